"""The Markdown page with the findings and the figures behind them."""

from collections.abc import Mapping, Sequence
import os

import numpy as np

from deepexplain_tf.writing.table import scientific
from results import listed_versions, markdown_table
from sensitivity_n_panels import data
from sensitivity_n_panels.figure import STYLES
from sensitivity_n_panels.findings import FINDINGS, Verdict
from sensitivity_n_panels.measure import OCCLUSION, Figures
from sensitivity_n_panels.nets import PANELS, Sizes

_INTRODUCTION = """\
# Sensitivity-n, reproduced

Ancona, Ceolini, Öztireli and Gross ([ICLR 2018](https://arxiv.org/abs/1711.06104), section 4) remove n features of an
input at random, again and again, and ask how well the sum of their attributions correlates with what the output loses.
`examples/reproduce_sensitivity_n.py` does that with the methods and the metric of this library, and wrote this page:

```bash
{command}
```
"""

_PROTOCOL = """\
## How it was measured

- {nets} of each kind, {examples} test examples of each net, {subsets} random subsets for each n,
  the same for all methods and examples; n goes from 1 to 80 % of the features.
- Pixels go from -1 (background) to 1 (stroke), a feature that is removed becomes 0, and the logit of the true class is
  explained: so it is in the authors' code. Zero is also the baseline of the methods that have one.
- MLPs: two hidden layers of {units} units. CNN: convolutions with {filters} and {double} filters of 3 × 3, max-pooling
  2 × 2, a hidden dense layer of 128. Softmax regression: no hidden layer. LSTM: the first words of a mail, the
  {words:,} most frequent words embedded in 32 dimensions, 64 units; the features are words, at the output of the
  embedding, and mails of fewer words are trained on but not explained.
- Adam on up to {training:,} examples, a tenth of them held out, until the loss on those rises, {epochs} epochs at most
  (CNN: {cnn}).
- ε-LRP has ε = 1e-4, Integrated Gradients have 64 steps.
- Other than in the paper: mails that are spam or not stand for the film reviews of IMDB, which no package has; there is
  one CNN, with ReLU; and no CIFAR-10 and no ImageNet.
"""


def write(
    figures: Mapping[str, Sequence[Figures]],
    verdicts: Sequence[Verdict],
    sizes: Sizes,
    command: str,
    picture: str | None,
) -> str:
    """Returns the page in Markdown.

    Args:
      figures: panel → the figures of its nets.
      verdicts: the verdicts on all findings.
      sizes: the sizes of the measurement.
      command: the command that makes the page.
      picture: the figure's path, relative to the page; None without a figure.
    """
    nets = f"{sizes.nets} nets (seeds 0 … {sizes.nets - 1})" if sizes.nets > 1 else "1 net (seed 0)"
    protocol = _PROTOCOL.format(
        nets=nets,
        examples=sizes.examples,
        subsets=sizes.subsets,
        units=sizes.units,
        filters=sizes.filters,
        double=2 * sizes.filters,
        training=sizes.training,
        epochs=sizes.epochs,
        cnn=min(sizes.epochs, PANELS["cnn_relu"].epochs),
        words=data.WORDS - 2,
    )
    parts = [_INTRODUCTION.format(command=command)]
    if picture:
        parts.append(f"![Mean correlation over n, one panel for each kind of net]({picture})\n")
        parts.append("Lines are means over nets and examples; a band reaches over the 95 % intervals of all nets.\n")
    parts += [
        _findings(verdicts),
        _rises(figures, verdicts),
        _recurrent(verdicts),
        _averages(figures),
        _lost(figures),
        protocol,
        _nets(figures),
        _machine(figures),
    ]
    return "\n".join(part for part in parts if part)


def _findings(verdicts: Sequence[Verdict]) -> str:
    """Returns the section with each finding's verdict over all nets, and the numbers of each net."""
    short, long, criteria = [], [], ""
    for finding in FINDINGS:
        judged = [verdict for verdict in verdicts if verdict.finding is finding]
        if not judged:
            continue
        holding, nets = sum(verdict.holding for verdict in judged), sum(len(verdict.values) for verdict in judged)
        exceptions = [
            f"{PANELS[verdict.panel].title}: {verdict}" for verdict in judged if verdict.holding < len(verdict.values)
        ]
        criteria += f"- {finding.name}: {finding.quantity}; {finding.limit}.\n"
        short.append([finding.name, finding.statement, f"{holding} of {nets}", "; ".join(exceptions) or "none"])
        for verdict in judged:
            values = ", ".join(map(number, verdict.values))
            long.append([finding.name, PANELS[verdict.panel].title, values, finding.limit, str(verdict)])
    return (
        "## What the paper found, and whether it holds here\n\n"
        + _table(["", "the paper", "holds in nets", "exceptions"], short)
        + "\nEach finding is judged by one number of each net; its limits are the constants of `findings.py`:\n\n"
        + criteria
        + "\n"
        + _table(["", "nets", "our number, for each net", "limit", "verdict"], long)
    )


def _rises(figures: Mapping[str, Sequence[Figures]], verdicts: Sequence[Verdict]) -> str:
    """Returns a sentence for each panel where Occlusion-1's correlation rises again."""
    lines = []
    for verdict in verdicts:
        if verdict.finding.name == "1b" and verdict.holding < len(verdict.values):
            nets = figures[verdict.panel]
            n, mean = nets[0].n, np.mean([net.mean[OCCLUSION] for net in nets], axis=0)
            lowest = int(np.argmin(mean))
            lines.append(
                f"Of 1b, {PANELS[verdict.panel].title}: in the mean over the nets the correlation falls to "
                f"{mean[lowest]:.3f} at n = {n[lowest]}, and ends at {mean[-1]:.3f} at n = {n[-1]}.\n"
            )
    return "\n".join(lines)


def _recurrent(verdicts: Sequence[Verdict]) -> str:
    """Returns how DeepLIFT's difference from Integrated Gradients depends on an LSTM's steps, where it is large."""
    apart = {verdict.panel: verdict for verdict in verdicts if verdict.finding.name == "2a"}
    if not {"lstm", "lstm_short"} <= apart.keys() or str(apart["lstm"]) == "holds":
        return ""
    long, short = (f"{np.mean(apart[panel].values):.4f}" for panel in ("lstm", "lstm_short"))
    return (
        "Of 2, the paper itself excepts nets that multiply features, as the gates of an LSTM do. The products of one "
        "step are the same in both LSTMs, but not the number of steps, over which DeepLIFT's quotients are multiplied: "
        f"in the mean over the nets the largest difference of the curves is {long} where 60 words are read, "
        f"and {short} where 25 are.\n"
    )


def _averages(figures: Mapping[str, Sequence[Figures]]) -> str:
    """Returns a table with one number for each method and kind of net: the mean correlation."""
    rows = []
    for panel, nets in figures.items():
        means = [[net.mean[method].mean() for net in nets if method in net.mean] for method in STYLES]
        cells = [f"{np.mean(values):.3f}" if len(values) == len(nets) else "–" for values in means]
        rows.append([PANELS[panel].title, *cells])
    return "The correlation, averaged over n, examples and nets:\n\n" + _table(
        ["nets", *(name for name, *_ in STYLES.values())], rows
    )


def _lost(figures: Mapping[str, Sequence[Figures]]) -> str:
    """Returns the reasons for missing curves."""
    lines = []
    for panel, nets in figures.items():
        for method, (name, *_) in STYLES.items():
            shares = [net.lost[method] for net in nets]
            if any(shares):
                listed = ", ".join(f"{share:.0%}" for share in shares)
                lines.append(
                    f"{name} has no curve for {PANELS[panel].title}: its attributions are not finite in float32 "
                    f"for {listed} of the examples (for each net)."
                )
    return "\n".join(lines) + "\n" if lines else ""


def _nets(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = [
        [
            PANELS[panel].title,
            str(nets[0].features),
            ", ".join(f"{net.accuracy:.1%}" for net in nets),
            f"{sum(net.seconds['training'] for net in nets):.0f}",
            f"{sum(net.seconds['measuring'] for net in nets):.0f}",
        ]
        for panel, nets in figures.items()
    ]
    return _table(["nets", "features", "right on all test examples", "training s", "measuring s"], rows)


def _machine(figures: Mapping[str, Sequence[Figures]]) -> str:
    seconds = sum(sum(net.seconds.values()) for nets in figures.values() for net in nets)
    return f"All in all {seconds:.0f} seconds on {os.cpu_count()} processors; {listed_versions()}.\n"


def number(value: float) -> str:
    """Returns a number as text."""
    if not np.isfinite(value):
        return str(value)
    return scientific(value) if 0 < abs(value) < 1e-3 else f"{value:.4f}".replace("0.0000", "0")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(header, rows, left=len(header))
