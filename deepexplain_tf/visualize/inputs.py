"""Attributions and pictures, checked and brought to one form: maps `[height, width]` and RGB bytes."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError, OptionError

Picture: TypeAlias = npt.ArrayLike | Image.Image
SIGNS = ("both", "positive", "negative")


def features(attributions: npt.ArrayLike) -> np.ndarray:
    """Returns the attributions of one example as float64 `[height, width, channels]`; NaN marks a missing attribution.

    `[features]` becomes one row. Of four axes, a first one of length 1 is the batch and dropped. `[1, length, dims]`, a
    batch of one sequence, has three axes and so is one row with `dims` channels.
    """
    values = _unbatch(numbers(attributions, "attributions"))
    if values.ndim not in (1, 2, 3) or values.size == 0:
        raise InputError(
            "attributions must be drawn one example at a time: [height, width, channels], [height, width] or "
            f"[features]. Got shape {values.shape}."
        )
    require_no_infinity(values)
    return values[None, :, None] if values.ndim == 1 else values.reshape(*values.shape[:2], -1)


def pairs(values: npt.ArrayLike) -> np.ndarray:
    """Returns the attributions of the pairs of features of one example as float64 `[features, features]`."""
    matrix = numbers(values, "attributions")
    if matrix.ndim != 2 or len(matrix) != len(matrix.T) or matrix.size == 0:
        raise InputError(f"attributions of pairs must be [features, features], of one example. Got {matrix.shape}.")
    require_no_infinity(matrix)
    return matrix


def sum_channels(values: np.ndarray) -> np.ndarray:
    """Returns the sums `[height, width]` over the channels that are not NaN; NaN where all channels are."""
    return np.where(np.isnan(values).all(axis=-1), np.nan, np.nansum(values, axis=-1))


def clip_and_scale(values: np.ndarray, percentile: float, limit: float | None = None) -> np.ndarray:
    """Returns clip(values / limit, -1, 1), where limit is by default `largest` of the values; NaN stays.

    Raises:
      OptionError: a percentile or a limit out of range.
    """
    found = largest(values, percentile)
    if limit is not None:
        if not isinstance(limit, int | float | np.number) or not 0 < limit < np.inf:
            raise OptionError(f"limit must be a number > 0. Got {limit!r}.")
        found = float(limit)
    return np.clip(values, -found, found) / found if found else values


def of_sign(values: np.ndarray, sign: str) -> np.ndarray:
    """Returns values of which only those of one sign are left, others 0, or both; NaN stays.

    Raises:
      OptionError: a sign that is not "both", "positive" or "negative".
    """
    if sign not in SIGNS:
        raise OptionError(f"sign must be one of {', '.join(map(repr, SIGNS))}. Got {sign!r}.")
    return values if sign == "both" else np.maximum(values, 0) if sign == "positive" else np.minimum(values, 0)


def largest(values: np.ndarray, percentile: float) -> float:
    """Returns the `percentile` of |values|, or the largest |value| where that is zero; 0 where there is none."""
    if not 0 < percentile <= 100:
        raise OptionError(f"percentile must be in (0, 100]. Got {percentile}.")
    sizes = np.abs(values[~np.isnan(values)])
    return float(np.percentile(sizes, percentile) or sizes.max()) if sizes.any() else 0.0


def rgb(image: Picture) -> np.ndarray:
    """Returns a picture as uint8 `[height, width, 3]`.

    uint8 is taken as 0..255; other numbers are rescaled, so that their minimum is black and their maximum white. A
    constant picture becomes mid-grey.
    """
    if isinstance(image, Image.Image):
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image)
    if values.dtype != np.uint8:
        values = _rescale(numbers(values, "a picture"))
    values = _unbatch(values)
    values = values[..., None] if values.ndim == 2 else values
    if values.ndim != 3 or values.shape[-1] not in (1, 3) or values.size == 0:
        raise InputError(
            f"a picture must be [height, width], [height, width, 1] or [height, width, 3]. Got shape {np.shape(image)}."
        )
    return np.broadcast_to(values, (*values.shape[:2], 3))


def enlarge_to(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Returns a map with its cells repeated to cover a picture of `shape`, a whole multiple of the map's."""
    if any(large % small for large, small in zip(shape[:2], values.shape, strict=True)):
        raise InputError(
            "the picture must have the height and width of the attributions, or whole multiples of them. "
            f"Got {shape[:2]} for attributions {values.shape}."
        )
    return values.repeat(shape[0] // values.shape[0], axis=0).repeat(shape[1] // values.shape[1], axis=1)


def numbers(array: npt.ArrayLike, what: str) -> np.ndarray:
    """Returns an array of real numbers as float64."""
    values = np.asarray(array)
    if not np.can_cast(values.dtype, np.float64, "same_kind"):
        raise InputError(f"{what} must be of real numbers. Got dtype {values.dtype}.")
    return values.astype(np.float64)


def require_no_infinity(values: np.ndarray) -> None:
    """Checks that attributions are finite, or NaN."""
    if np.isinf(values).any():
        raise InputError("attributions must be finite, or NaN where there is none. Got an infinity.")


def _unbatch(values: np.ndarray) -> np.ndarray:
    return values[0] if values.ndim == 4 and len(values) == 1 else values


def _rescale(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise InputError("a picture must be finite. Got NaN or an infinity.")
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if low >= high:
        return np.full(values.shape, 128, np.uint8)
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)
