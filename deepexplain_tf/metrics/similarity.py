"""How alike attributions are before and after a change of the model; the two randomisation tests share it."""

from collections.abc import Callable
import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.errors import InputError
from deepexplain_tf.features.pictures import require_skimage
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.correlation import pearson, spearman

Similarity = Callable[[np.ndarray, np.ndarray], np.ndarray]  # two `[batch, elements]` → `[batch]`

_SIDE = 12  # the least height and width of a picture, in pixels
_CELL, _CELLS = 16, 3  # pixels along a cell of HOG, and cells along a block


def read_similarity(name: Any, examples: Examples, absolute: bool) -> Similarity:
    """Returns the measure of a name: of a pair of attributions of the same examples, NaN where one side is constant.

    - `"spearman"`: the correlation of ranks. The elements of an example are ranked over all inputs together; equal ones
      share their mean rank.
    - `"ssim"`: the structural similarity of pictures, with a Gaussian window of σ = 1.5 pixels.
    - `"hog"`: Pearson's correlation of histograms of oriented gradients, of 9 orientations in cells of 16 pixels (fewer
      in pictures of less than 48), by scikit-image.

    A picture is the sum of the attributions over channels, stretched from 0 to 1.

    Args:
      name: the name.
      examples: the examples that are explained.
      absolute: whether attributions are compared without their signs.

    Raises:
      OptionError: another name.
      InputError: a measure of pictures, where the input is no picture of at least 12 × 12 pixels.
      DeepExplainError: scikit-image is missing; `pip install 'deepexplain_tf[segments]'` installs it.
    """
    require(name in ("spearman", "ssim", "hog"), "similarity", "'spearman', 'ssim' or 'hog'", name)
    sign = np.abs if absolute else np.asarray
    if name == "spearman":
        return lambda before, after: spearman(sign(before), sign(after))
    shapes = examples.shapes
    if len(shapes) != 1 or len(shapes[0]) not in (2, 3) or min(shapes[0][:2]) < _SIDE:
        raise InputError(
            f"similarity={name!r} needs one input of pictures, [batch, height, width, channels] or [batch, height, "
            f"width], of at least {_SIDE} × {_SIDE} pixels. Got shapes {[list(shape) for shape in shapes]}."
        )
    measure = _ssim if name == "ssim" else functools.partial(_hog, require_skimage("feature", "similarity='hog'").hog)
    return functools.partial(_of_pictures, measure, sign, shapes[0])


def _of_pictures(
    measure: Similarity, sign: Any, shape: tuple[int, ...], before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    if before.shape[1] != math.prod(shape):
        raise InputError(
            f"explain must return attributions in the shape of the pictures, {list(shape)}, for this similarity. "
            f"Got {before.shape[1]} elements."
        )
    sides = [sign(values).reshape(len(values), *shape[:2], -1).sum(3) for values in (before, after)]
    lows, highs = ([bound(side, axis=(1, 2), keepdims=True) for side in sides] for bound in (np.min, np.max))
    ranges = [high - low for low, high in zip(lows, highs, strict=True)]
    pictures = [(s - low) / np.where(r > 0, r, 1) for s, low, r in zip(sides, lows, ranges, strict=True)]
    return np.where(np.all([r[:, 0, 0] > 0 for r in ranges], axis=0), measure(*pictures), np.nan)


def _ssim(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    pair = [tf.constant(side[..., np.newaxis], tf.float32) for side in (before, after)]
    return np.asarray(tf.image.ssim(*pair, max_val=1.0, filter_size=11, filter_sigma=1.5), np.float64)


def _hog(hog: Callable[..., np.ndarray], before: np.ndarray, after: np.ndarray) -> np.ndarray:
    cell = min(_CELL, min(before.shape[1:]) // _CELLS)
    options = {"orientations": 9, "pixels_per_cell": (cell, cell), "cells_per_block": (_CELLS, _CELLS)}
    sides = [np.stack([hog(picture, **options) for picture in side]) for side in (before, after)]
    zeros = np.zeros(len(before))
    return pearson(*sides, rounding=(zeros, zeros))
