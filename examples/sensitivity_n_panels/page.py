"""The parts of the page that only this experiment has."""

from collections.abc import Mapping, Sequence

import numpy as np

from reproductions import data
from reproductions.findings import Verdict
from reproductions.nets import KINDS, Sizes
from reproductions.page import table
from sensitivity_n_panels.figure import STYLES
from sensitivity_n_panels.measure import OCCLUSION, Figures, Scale

INTRODUCTION = """\
Ancona, Ceolini, Öztireli and Gross ([ICLR 2018](https://arxiv.org/abs/1711.06104), section 4) remove n features of an
input at random, again and again, and ask how well the sum of their attributions correlates with what the output loses.
`examples/reproduce_sensitivity_n.py` does that with the methods and the metric of this library, and wrote this page:
"""

_PROTOCOL = """\
## How it was measured

- {nets} of each kind (of EfficientNet-Lite0 the one that is published), {examples} test examples of each net,
  {subsets} random subsets for each n, the same for all methods and examples; n goes from 1 to 80 % of the features.
- Pixels of MNIST go from -1 (background) to 1 (stroke), a feature that is removed becomes 0, and the logit of the true
  class is explained: so it is in the authors' code. Zero is also the baseline of the methods that have one. Pixels of
  Fashion-MNIST go from 0 to 1; zero is their background.
- MLPs: two hidden layers of {units} units, of {few} for words. CNNs: convolutions with {filters} and {double} filters
  of 3 × 3, max-pooling 2 × 2, a hidden dense layer of 128. Softmax regression: no hidden layer. Mails: the first words,
  the {words:,} most frequent words embedded in 32 dimensions; LSTMs have 64 units. The features are words, at the
  output of the embedding, and mails of fewer words are trained on but not explained.
- EfficientNet-Lite0 sees the middle and the corners of five photos, {photos} crops in all. Its features are 196 blocks
  of 16 × 16 pixels, occluded as a whole; zero is a grey. The class is the one that the network sees.
- Adam on up to {training:,} examples, a tenth of them held out, until the loss on those rises, {epochs} epochs at most
  (CNNs: {cnn}).
- ε-LRP has ε = 1e-4, Integrated Gradients have 64 steps.
- Other than in the paper: mails that are spam or not stand for the film reviews of IMDB, Fashion-MNIST stands for
  CIFAR-10, and EfficientNet-Lite0 with {photos} crops for Inception with 1,000 photos of ImageNet.
"""


def sections(
    figures: Mapping[str, Sequence[Figures]], verdicts: Sequence[Verdict], sizes: Sizes, scales: Mapping[str, Scale]
) -> list[str]:
    """Returns what the page has below the findings.

    Args:
      figures: kind → the figures of its nets.
      verdicts: the verdicts on all findings.
      sizes: the sizes of the training.
      scales: kind → how much was measured.
    """
    count = max(map(len, figures.values()))
    protocol = _PROTOCOL.format(
        nets=f"{count} nets (seeds 0 … {count - 1})" if count > 1 else "1 net (seed 0)",
        examples=max(scale.examples for scale in scales.values()),
        subsets=max(scale.subsets for scale in scales.values()),
        photos=scales["photos"].examples,
        units=sizes.units,
        few=sizes.units // 4,
        filters=sizes.filters,
        double=2 * sizes.filters,
        training=sizes.training,
        epochs=sizes.epochs,
        cnn=min(sizes.epochs, KINDS["cnn_relu"].epochs),
        words=data.WORDS - 2,
    )
    return [
        _rises(figures, verdicts),
        _recurrent(verdicts),
        _averages(figures),
        _lost(figures),
        protocol,
        _nets(figures),
    ]


def _rises(figures: Mapping[str, Sequence[Figures]], verdicts: Sequence[Verdict]) -> str:
    """Returns a sentence for each kind where Occlusion-1's correlation rises again."""
    lines = []
    for verdict in verdicts:
        if verdict.finding.name == "1b" and verdict.holding < len(verdict.values):
            nets = figures[verdict.kind]
            n, mean = nets[0].n, np.mean([net.mean[OCCLUSION] for net in nets], axis=0)
            lowest = int(np.argmin(mean))
            lines.append(
                f"Of 1b, {KINDS[verdict.kind].title}: in the mean over the nets the correlation falls to "
                f"{mean[lowest]:.3f} at n = {n[lowest]}, and ends at {mean[-1]:.3f} at n = {n[-1]}.\n"
            )
    return "\n".join(lines)


def _recurrent(verdicts: Sequence[Verdict]) -> str:
    """Returns how DeepLIFT's difference from Integrated Gradients depends on an LSTM's steps, where it is large."""
    apart = {verdict.kind: verdict for verdict in verdicts if verdict.finding.name == "2a"}
    if not {"lstm", "lstm_short"} <= apart.keys() or str(apart["lstm"]) == "holds":
        return ""
    long, short = (f"{np.mean(apart[kind].values):.4f}" for kind in ("lstm", "lstm_short"))
    return (
        "Of 2, the paper itself excepts nets that multiply features, as the gates of an LSTM do. The products of one "
        "step are the same in both LSTMs, but not the number of steps, over which DeepLIFT's quotients are multiplied: "
        f"in the mean over the nets the largest difference of the curves is {long} where 60 words are read, "
        f"and {short} where 25 are.\n"
    )


def _averages(figures: Mapping[str, Sequence[Figures]]) -> str:
    """Returns a table with one number for each method and kind of net: the mean correlation."""
    rows = []
    for kind, nets in figures.items():
        means = [[net.mean[method].mean() for net in nets if method in net.mean] for method in STYLES]
        cells = [f"{np.mean(values):.3f}" if len(values) == len(nets) else "–" for values in means]
        rows.append([KINDS[kind].title, *cells])
    return "The correlation, averaged over n, examples and nets:\n\n" + table(
        ["nets", *(name for name, *_ in STYLES.values())], rows
    )


def _lost(figures: Mapping[str, Sequence[Figures]]) -> str:
    """Returns the reasons for missing curves."""
    lines = []
    for kind, nets in figures.items():
        for method, (name, *_) in STYLES.items():
            shares = [net.lost[method] for net in nets]
            if any(shares):
                listed = ", ".join(f"{share:.0%}" for share in shares)
                lines.append(
                    f"{name} has no curve for {KINDS[kind].title}: its attributions are not finite in float32 "
                    f"for {listed} of the examples (for each net)."
                )
    return "\n".join(lines) + "\n" if lines else ""


def _nets(figures: Mapping[str, Sequence[Figures]]) -> str:
    rows = [
        [
            KINDS[kind].title,
            str(nets[0].features),
            ", ".join("–" if np.isnan(net.accuracy) else f"{net.accuracy:.1%}" for net in nets),
            f"{sum(net.seconds['training'] for net in nets):.0f}",
            f"{sum(net.seconds['measuring'] for net in nets):.0f}",
        ]
        for kind, nets in figures.items()
    ]
    return table(["nets", "features", "right on all test examples", "training s", "measuring s"], rows)
