"""XRAI: regions ranked by the attributions in them."""

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.arrays import rectangular
from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.errors import InputError

_BLOCK = 2**12  # elements whose regions are counted at a time


def xrai(attributions: npt.ArrayLike, regions: npt.ArrayLike, *, min_size: int = 1) -> np.ndarray:
    """Returns attributions in which each element has the mean over what its region adds, by XRAI.

    Regions, which may overlap, are added one by one until everything is covered: next comes the region in which the
    elements that are not yet covered have the largest mean, and each of these elements gets that mean. So the largest
    values are the regions that matter, and a threshold cuts them out. Elements in no region, or in none that adds
    `min_size` elements, get their own mean. Σ of the result = Σ attributions, in units of the target.

    XRAI takes the mean of Integrated Gradients from a black and a white baseline, `background=` of
    `integrated_gradients`, and `dx.features.regions`; other attributions and regions will do.

    Args:
      attributions: one example, `[height, width, channels]` or in any other shape, finite.
      regions: bool `[regions, height, width]`, which hold for all channels, or `[regions, ...]` in the shape of
        `attributions`.
      min_size: how many elements, of pictures pixels, a region must add to be taken, ≥ 1. A larger number keeps out the
        slivers between regions; the authors' own code has 50, of about 224 × 224 pixels.

    Returns:
      An array in the shape and dtype of `attributions`, float64 if these are whole numbers.

    Raises:
      InputError: attributions that are not finite numbers, or regions that are not masks of them.
      OptionError: `min_size` out of range.

    References:
      Kapishnikov, Bolukbasi, Viégas, Terry, *XRAI: Better Attributions Through Regions*, ICCV 2019,
      https://arxiv.org/abs/1906.02825.
    """
    require_whole("min_size", 1, min_size)
    values = _read_attributions(attributions)
    masks = _read_regions(regions, values.shape)
    of_pixels = values.reshape(*masks.shape[1:], -1).astype(np.float64).mean(-1)
    means = _ranked(of_pixels.ravel(), masks.reshape(len(masks), -1), int(min_size)).reshape(of_pixels.shape)
    means = means.reshape(*means.shape, *[1] * (values.ndim - means.ndim))
    return np.broadcast_to(means, values.shape).astype(np.float64 if values.dtype.kind in "biu" else values.dtype)


def _ranked(values: np.ndarray, masks: np.ndarray, min_size: int) -> np.ndarray:
    """Returns the mean that each element `[elements]` gets, for masks `[regions, elements]`."""
    left, means = np.ones(len(values), bool), np.empty_like(values)
    sums, counts = _inside(values, masks, np.arange(len(values)))
    while counts.max() >= min_size:
        gains = np.where(counts >= min_size, sums / np.maximum(counts, 1), -np.inf)
        added = np.flatnonzero(masks[np.argmax(gains)] & left)
        means[added], left[added] = values[added].mean(), False
        for total, part in zip((sums, counts), _inside(values, masks, added), strict=True):
            total -= part
    if left.any():
        means[left] = values[left].mean()
    return means


def _inside(values: np.ndarray, masks: np.ndarray, elements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the sum of the values of some elements in each region, `[regions]`, and the number of them."""
    sums, counts = np.zeros(len(masks)), np.zeros(len(masks), int)
    for start in range(0, len(elements), _BLOCK):
        some = elements[start : start + _BLOCK]
        inside = masks[:, some]
        sums += inside @ values[some]
        counts += inside.sum(1)
    return sums, counts


def _read_attributions(given: npt.ArrayLike) -> np.ndarray:
    values = rectangular(given, "attributions")
    if not np.can_cast(values.dtype, np.float64, "same_kind") or values.size == 0:
        raise InputError(f"attributions must be real numbers of one example. Got {values.dtype}{list(values.shape)}.")
    if not np.isfinite(values).all():
        raise InputError("attributions must be finite, to have means over regions. Got NaN or an infinity.")
    return values


def _read_regions(given: npt.ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    masks = rectangular(given, "regions")
    fits = masks.dtype == bool and masks.ndim > 1 and len(masks) > 0 and masks.shape[1:] in (shape, shape[:-1])
    if not fits:
        raise InputError(
            f"regions must be booleans {['regions', *shape]}, or {['regions', *shape[:-1]]} for all channels, for the "
            f"attributions of one example. Got {masks.dtype}{list(masks.shape)}."
        )
    return masks
