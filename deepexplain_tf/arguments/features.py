"""Features: groups of elements that are replaced, or counted, together."""

from collections.abc import Sequence
import math
from typing import Any

import numpy as np

from deepexplain_tf.errors import OptionError, shortened


def number_groups(groups: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Returns the feature of each element, numbered from 0, as one int32 array shaped like one example of each input.

    Args:
      groups: for each input, whole numbers shaped like one example; elements with the same number are one feature,
        also across inputs.
      shapes: the shape of one example of each input.

    Raises:
      OptionError: values that are not whole numbers, or of another shape.
    """
    arrays = [_ids(ids) for ids in groups]
    if [array.shape for array in arrays] != list(shapes) or not all(array.dtype.kind in "iu" for array in arrays):
        shown = [f"{array.dtype}{list(array.shape)}" for array in arrays]
        raise OptionError(f"groups must be whole numbers shaped {[list(s) for s in shapes]}. Got {shown}.")
    flat = np.unique(np.concatenate([array.ravel() for array in arrays]), return_inverse=True)[1]
    return split(flat, shapes)


def number_elements(shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Returns features as `number_groups` does, where every element is a feature of its own."""
    return split(np.arange(sum(math.prod(shape) for shape in shapes)), shapes)


def split(flat: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Returns the numbers of all elements of all inputs, concatenated in `flat`, as one array for each input."""
    sizes = [math.prod(shape) for shape in shapes]
    parts = np.split(flat.astype(np.int32).ravel(), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _ids(given: Any) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError:  # rows of different lengths
        raise OptionError(f"groups must be an array of whole numbers. Got {shortened(given)}.") from None
