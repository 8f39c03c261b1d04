"""Regions: parts of a picture at several scales, which overlap (by scikit-image, an extra)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.options import is_real, require, require_between
from deepexplain_tf.errors import InputError
from deepexplain_tf.features.pictures import read_picture, require_skimage

_SIDE = 224  # pixels; the scales are those of the paper for pictures of this size
_SIGMA, _MIN_SIZE = 0.8, 150


def regions(
    image: npt.ArrayLike, scales: Sequence[float] = (50, 100, 150, 250, 500, 1200), *, dilation: int = 5
) -> np.ndarray:
    """Returns the parts of a picture at several scales, as overlapping masks, by Felzenszwalb's algorithm.

    Each scale cuts the picture into parts, which are then widened, so that edges belong to both sides. To mean the same
    for any picture, scales are those of 224 × 224 pixels with values from −1 to 1: the picture is resized for the cuts.
    `dx.xrai` ranks regions by any attributions.

    Args:
      image: `[height, width, channels]` or `[height, width]`, one picture of finite numbers, with at most three
        channels.
      scales: numbers > 0, one or more; the larger, the larger the parts.
      dilation: the radius by which parts are widened, in pixels of 224 × 224, 0 … 100.

    Returns:
      bool `[regions, height, width]`; every pixel has a region of each scale.

    Raises:
      DeepExplainError: scikit-image is missing; `pip install 'deepexplain_tf[segments]'` installs it.
      InputError: what is not one picture, has more than three channels, or is not finite.
      OptionError: `scales` or `dilation` out of range.

    References:
      Felzenszwalb, Huttenlocher, *Efficient Graph-Based Image Segmentation*, IJCV 2004.
    """
    values = read_picture(image)
    channels = values if values.ndim == 3 else values[..., np.newaxis]
    if channels.shape[2] > 3:
        raise InputError(
            "image must have at most three channels, such as those that tell its parts apart; regions hold for all "
            f"channels. Got shape {values.shape}."
        )
    given = _list(scales)
    fits = len(given) > 0 and all(is_real(scale) and scale > 0 for scale in given)
    require(fits, "scales", "one or more numbers > 0", scales)
    require_between("dilation", 0, 100, dilation)
    cut = require_skimage("segmentation", "regions").felzenszwalb
    small = _resized(channels)
    labels = [cut(small, scale=float(scale), sigma=_SIGMA, min_size=_MIN_SIZE) for scale in given]
    found = np.stack([part == number for part in labels for number in range(part.max() + 1)])
    if dilation:
        morphology = require_skimage("morphology", "regions")
        ball = morphology.disk(dilation)
        found = np.stack([morphology.dilation(mask, ball) for mask in found])
    rows, columns = ((np.arange(side) + 0.5) * _SIDE // side for side in values.shape[:2])
    masks = found[:, rows.astype(int)[:, np.newaxis], columns.astype(int)]
    return masks[masks.any((1, 2))]


def _resized(picture: np.ndarray) -> np.ndarray:
    """Returns a picture in the size of the scales, with values from −1 to 1."""
    low, high = picture.min(), picture.max()
    scaled = 2 * (picture - low) / ((high - low) or 1) - 1
    resize = require_skimage("transform", "regions").resize
    return resize(scaled, (_SIDE, _SIDE), order=3, mode="constant", anti_aliasing=True, preserve_range=True)


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Sequence | np.ndarray) and not isinstance(given, str) else []
