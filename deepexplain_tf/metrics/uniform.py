"""Values drawn uniformly in a range of the inputs, in the place of features that are replaced."""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.errors import InputError
from deepexplain_tf.metrics.arguments import Examples

_STREAM = 1  # random numbers of their own: the inputs themselves may have been drawn with the same seed


def uniform_values(examples: Examples, count: int, value_range: Any, seed: int | None) -> list[np.ndarray]:
    """Returns values `[count, ...]` for each input, in its dtype.

    Args:
      examples: the examples.
      count: how many values are drawn of each element.
      value_range: a pair (low, high) of numbers, or None for the smallest and the largest value of each input.
      seed: seed of the values, None or a whole number ≥ 0.

    Raises:
      OptionError: `value_range` is not a pair of numbers, the first one smaller.
      InputError: an input has no float dtype, or has a single value and so no range.
    """
    if value_range is not None:
        is_pair = isinstance(value_range, tuple | list) and len(value_range) == 2 and all(map(is_real, value_range))
        ordered = is_pair and value_range[0] < value_range[1]
        require(ordered, "value_range", "a pair of numbers (low, high) with low < high, or None", value_range)
    generator = np.random.default_rng(None if seed is None else (seed, _STREAM))
    return [_drawn(array, count, value_range, generator) for array in examples.inputs]


def _drawn(array: np.ndarray, count: int, value_range: Any, generator: np.random.Generator) -> np.ndarray:
    if array.dtype.kind in "biu":
        raise InputError(f"inputs must be floats to be replaced by random values. Got {array.dtype}.")
    low, high = (array.min(), array.max()) if value_range is None else value_range
    if not low < high:
        raise InputError(f"inputs must have a range, or value_range= give it, to be replaced. Got {low} everywhere.")
    return generator.uniform(float(low), float(high), (count, *array.shape[1:])).astype(array.dtype)
