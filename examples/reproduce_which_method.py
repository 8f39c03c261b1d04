"""Which method should I believe? Summaries of comparisons on four models.

    python examples/reproduce_which_method.py --flagfile=configs/reproduce_which_method.cfg
    python examples/reproduce_which_method.py --flagfile=configs/reproduce_which_method_quick.cfg

`dx.compare(...).summary()` ranks methods over metrics and examples, tests whether the ranks differ by chance, puts the
cost beside them, and warns: of a method that hardly depends on what the network has learned, of a baseline that is not
neutral, of attributions that do not add up. Here it judges a table, clothes, mails and photos. Needs npm (see
reproductions/packages.py), scikit-learn and pip install 'deepexplain_tf[demo,stats]'
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import keras
from keras import layers
import numpy as np

import deepexplain_tf as dx
from reproductions import data, nets, photos, script
from reproductions.findings import Finding
from reproductions.script import Experiment, Found, Setting

_TITLES = {
    "rows": "breast cancer, rows of 30 measurements, MLP",
    "clothes": "Fashion-MNIST, blocks of 4 × 4 pixels, CNN",
    "lstm": "spam, LSTM over 60 words",
    "photos": "photos, blocks of 16 × 16 pixels, EfficientNet-Lite0",
}
_GRADIENTS: tuple[Any, ...] = ("saliency", "gradient_x_input", "integrated_gradients", "deeplift", "epsilon_lrp")
_OF_PHOTOS: tuple[Any, ...] = ("insertion", "deletion", "completeness")
_METRICS: tuple[Any, ...] = ("sensitivity_n", "max_sensitivity", *_OF_PHOTOS, "randomisation")


@dataclasses.dataclass(frozen=True)
class Believed:
    """What a comparison says.

    Attributes:
      table: the scores, as text.
      summary: the summary, as text.
      metrics: the number of metrics.
      best_by: method → the number of metrics by which no method is better.
      kept: method → the mean absolute rank correlation of its attributions before and after the network lost its
        weights; without methods that have no such score.
      best: the method with the lowest mean rank.
    """

    table: str
    summary: str
    metrics: int
    best_by: Mapping[str, int]
    kept: Mapping[str, float]
    best: str


def measure(setting: Setting) -> Found[Believed]:
    """Compares the methods on all models."""
    found: dict[str, list[Believed]] = {}
    for name in setting.pick(tuple(_TITLES), ("rows", "clothes")):
        found[name] = []
        for seed in range(1 if name == "photos" else setting.nets):
            found[name].append(_believed(_MODELS[name](setting, seed)))
            print(f"{_TITLES[name]}, seed {seed}\n{found[name][-1].summary}\n", flush=True)
    return Found(found, None, [_section(name, several) for name, several in found.items()])


def _believed(comparison: dx.Comparison) -> Believed:
    summary = comparison.summary()
    kept = comparison.scores.get("randomisation", {})
    return Believed(
        table=str(comparison),
        summary=str(summary),
        metrics=len(summary.p_values),
        best_by={standing.method: len(standing.best_by) for standing in summary.standings},
        kept={method: float(score.summary.mean) for method, score in kept.items()},
        best=summary.standings[0].method,
    )


def _rows(setting: Setting, seed: int) -> dx.Comparison:
    scaled, y, _ = data.measurements()
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(32, "relu"), layers.Dense(16, "relu")]
    model = keras.Sequential([keras.Input((30,)), *hidden, layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    model.fit(scaled[100:], y[100:], epochs=30, verbose=0)
    methods = (*_GRADIENTS, "occlusion", ("shapley_sampling", {"n_samples": 20}))
    return dx.compare(model, scaled[: setting.pick(100, 30)], methods=methods, metrics=_METRICS, seed=seed)


def _trained(
    name: str, methods: Sequence[Any], setting: Setting, seed: int, *, examples: int, block: int = 1
) -> dx.Comparison:
    kind = nets.KINDS[name]
    known = kind.load(setting.folder)
    net, _ = nets.train(kind, known, setting.pick(nets.SMALL, nets.QUICK), seed)
    net = dataclasses.replace(net, block=block)
    chosen = np.flatnonzero(known.whole)[:examples]
    return dx.compare(
        net.model,
        known.test_x[chosen],
        methods=(*methods, ("occlusion", net.one_feature)),
        metrics=_METRICS,
        groups=net.features,
        layer=net.layer,
        seed=seed,
    )


def _clothes(setting: Setting, seed: int) -> dx.Comparison:
    methods = (*_GRADIENTS, "guided_backprop")
    return _trained("clothes", methods, setting, seed, examples=setting.pick(30, 10), block=4)


def _lstm(setting: Setting, seed: int) -> dx.Comparison:
    return _trained("lstm", _GRADIENTS[:-1], setting, seed, examples=setting.pick(20, 10))


def _photos(setting: Setting, seed: int) -> dx.Comparison:
    net = nets.efficientnet(nets.FULL)
    weighted = [layer.name for layer in net.model.layers if layer.weights][::-1]
    blocks = [weighted[:1], weighted[1 : len(weighted) // 2], weighted[len(weighted) // 2 :]]
    x, classes = photos.crops()
    chosen = slice(0, None, 3)
    return dx.compare(
        photos.model(),
        x[chosen],
        methods=(*_GRADIENTS, "guided_backprop", ("occlusion", net.one_feature)),
        metrics=(*_OF_PHOTOS, ("randomisation", {"layers": blocks})),
        target=classes[chosen],
        baseline=photos.BLACK,
        groups=net.features,
        chunk_size=16,
        seed=seed,
    )


_MODELS: Mapping[str, Callable[[Setting, int], dx.Comparison]] = {
    "rows": _rows,
    "clothes": _clothes,
    "lstm": _lstm,
    "photos": _photos,
}


def _section(name: str, several: Sequence[Believed]) -> str:
    """Returns the table and the summary of the first net, and which method is first in each."""
    first = several[0]
    ranks = ", ".join(f"`{one.best}`" for one in several)
    return (
        f"## {_TITLES[name][0].upper()}{_TITLES[name][1:]}\n\n```text\n{first.table}\n```\n\n```text\n{first.summary}\n"
        f"```\n\nThe lowest mean rank{' in each net' if len(several) > 1 else ''}: {ranks}.\n"
    )


EXPERIMENT: Experiment[Believed] = Experiment(
    title="Which method should I believe?",
    introduction="""
No score says that attributions are true. Several can show that some are worse: they predict badly what the output loses
without a feature, they do not add up, they jump when the input hardly moves, or they stay as they are when the network
forgets what it has learned. `dx.compare(...).summary()` ranks the methods over all of them, tests the ranks over the
examples (Wilcoxon's signed-rank test, Holm's correction), puts the cost beside, and warns. This page shows it for four
models on real data; `examples/reproduce_which_method.py` wrote it. A rank is a guide: choose the scores that ask what
you ask.
""",
    titles=_TITLES,
    findings=(
        Finding(
            "1",
            "guided backpropagation hardly depends on what a network has learned (Adebayo et al., NeurIPS 2018)",
            "the mean absolute rank correlation of its attributions with those of the network without its weights",
            lambda one: one.kept["guided_backprop"],
            ("clothes", "photos"),
            least=0.5,
        ),
        Finding(
            "2",
            "gradients do (the same paper)",
            "the same of gradient × input",
            lambda one: one.kept["gradient_x_input"],
            tuple(_TITLES),
            most=0.5,
        ),
        Finding(
            "3",
            "no method is the best in all respects",
            "the largest share of the metrics by which no method is better than one",
            lambda one: max(one.best_by.values()) / one.metrics,
            tuple(_TITLES),
            most=0.99,
        ),
    ),
    measure=measure,
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
