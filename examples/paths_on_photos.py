"""What does the path change? Integrated Gradients along three paths, IDGI and XRAI on photos, beside another library.

    python examples/paths_on_photos.py --out=examples/images/paths.png --saliency

Each photo has a row of maps, with the class that EfficientNet-Lite0 sees in it; red speaks for the class, blue against
it. The last column has the regions of XRAI, from a black and a white picture. With --saliency, a second row has those
of the package saliency (PAIR, by the authors of all but IDGI) on the same weights, and below each the cosine between
both. Needs the packages of the demo: pip install 'deepexplain_tf[demo]'
"""

from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

from absl import app, flags
import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.demo import efficientnet_lite0, photos

_OUT = flags.DEFINE_string("out", "paths.png", "The PNG file to write.")
_SALIENCY = flags.DEFINE_bool("saliency", False, "Whether to draw the results of the package saliency as well.")

_STEPS = 100
_METHODS = ("integrated_gradients", "blur_ig", "guided_ig", "idgi")
_COLUMNS = (*_METHODS, "xrai")
_SLIVER = 50  # pixels that a region must add, as in the package saliency


def main(argv: Sequence[str]) -> None:
    """Explains the photos and draws the grid."""
    del argv
    model, names = efficientnet_lite0.load(), photos.class_names()
    rows: list[Any] = []
    captions: list[Any] = []
    size = efficientnet_lite0.IMAGE_SIZE
    black, white = (efficientnet_lite0.preprocess(np.full((size, size, 3), value, np.uint8)) for value in (0, 255))
    with dx.DeepExplain(model) as de:
        for photo in photos.NAMES:
            pixels = photos.load(photo, size)
            x = efficientnet_lite0.preprocess(pixels)
            ours = {}
            for method in _METHODS:
                start = None if method == "blur_ig" else black  # 0 is a grey; blur_ig has no baseline
                e = de.explain(method, x[np.newaxis], n_steps=_STEPS, baseline=start)
                ours[method] = e.attributions[0]
                gap = abs(e.completeness_gap[0] / (e.outputs - e.baseline_outputs)[0])
                print(f"{photo}: {method}: gap {gap:.1e} of the change")
            background = np.stack([black, white])
            both = de.explain("integrated_gradients", x[np.newaxis], n_steps=_STEPS, background=background)
            ours["xrai"] = dx.xrai(both.attributions[0], dx.features.regions(pixels), min_size=_SLIVER)
            target = int(e.target[0])
            rows.append(_row(pixels, ours))
            captions.append([names[target], *("" for _ in ours)])
            if _SALIENCY.value:
                theirs = _theirs(model, x, black, target, both.attributions[0])
                rows.append(_row(pixels, theirs))
                captions.append(["saliency", *(_apart(ours[name], theirs.get(name)) for name in _COLUMNS)])
    titles = ["photo", *_COLUMNS]
    dx.visualize.save_png(dx.visualize.grid(rows, captions, titles, size=128), _OUT.value)
    print(f"wrote {_OUT.value}")


def _row(pixels: np.ndarray, maps: Mapping[str, np.ndarray]) -> list[np.ndarray | None]:
    drawn = (np.asarray(dx.visualize.heat_map(maps[name])) if name in maps else None for name in _COLUMNS)
    return [pixels, *drawn]


def _apart(ours: np.ndarray, theirs: np.ndarray | None) -> str:
    """Returns the cosine of two attributions, as text."""
    if theirs is None:
        return ""
    cosine = (ours * theirs).sum() / np.sqrt((ours**2).sum() * (theirs**2).sum())
    return f"cosine {cosine:.4f}"


def _theirs(
    model: keras.Model, x: np.ndarray, black: np.ndarray, target: int, of_xrai: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns the attributions of the package saliency, one gradient of the logit after the other.

    XRAI gets the attributions `of_xrai`, since of their channels it takes the largest, not the sum as in the paper.
    """
    from saliency import core

    logits = keras.Model(model.inputs, model.get_layer("logits").output)

    @tf.function
    def gradient(points: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(points)
            chosen = tf.reduce_sum(logits(points)[:, target])
        return tape.gradient(chosen, points)

    def call(points: np.ndarray, call_model_args: Any = None, expected_keys: Any = None) -> dict[str, np.ndarray]:
        del call_model_args, expected_keys
        return {core.INPUT_OUTPUT_GRADIENTS: gradient(tf.constant(points, tf.float32)).numpy()}

    of_all_channels = np.broadcast_to(of_xrai.mean(2, keepdims=True), x.shape)
    regions = core.XRAI().GetMask(x, call, base_attribution=of_all_channels)
    quantile = np.quantile
    renamed = lambda values, q, interpolation: quantile(values, q, method=interpolation)  # noqa: E731
    with mock.patch.object(np, "quantile", renamed):  # NumPy 2.4 has no argument `interpolation` any more
        return {
            "integrated_gradients": core.IntegratedGradients().GetMask(x, call, x_steps=_STEPS, x_baseline=black),
            "blur_ig": core.BlurIG().GetMask(x, call, steps=_STEPS),
            "guided_ig": core.GuidedIG().GetMask(x, call, x_steps=_STEPS, x_baseline=black),
            "xrai": np.broadcast_to(regions[..., np.newaxis], x.shape),
        }


if __name__ == "__main__":
    app.run(main)
