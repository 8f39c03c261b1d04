"""Attributions of named features, read for bars and swarms."""

from typing import Any

import numpy as np
import numpy.typing as npt

from deepexplain_tf.errors import InputError, OptionError, shortened
from deepexplain_tf.visualize import inputs


def of_example(values: npt.ArrayLike) -> np.ndarray:
    """Returns the attributions of one example as float64 `[features]`.

    Raises:
      InputError: another rank, no feature, infinite values or no real numbers.
    """
    array = inputs.numbers(values, "attributions")
    if array.ndim != 1 or not array.size:
        raise InputError(f"bars show [features] of one example. Got shape {array.shape}.")
    inputs.require_no_infinity(array)
    return array


def of_examples(values: npt.ArrayLike) -> np.ndarray:
    """Returns the attributions of many examples as float64 `[examples, features]`.

    Raises:
      InputError: another rank, none of them, infinite values or no real numbers.
    """
    array = inputs.numbers(values, "attributions")
    if array.ndim != 2 or not array.size:
        raise InputError(f"attributions of many examples must be [examples, features]. Got shape {array.shape}.")
    inputs.require_no_infinity(array)
    return array


def ranked(sizes: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers of the `top` largest, largest first, and those of the others; of equal ones the first.

    Raises:
      OptionError: `top` is not a whole number ≥ 1.
    """
    if not isinstance(top, int) or isinstance(top, bool) or top < 1:
        raise OptionError(f"top must be a whole number ≥ 1. Got {shortened(top)}.")
    order = np.argsort(-np.nan_to_num(sizes), kind="stable")
    return order[:top], order[top:]


def number(value: Any) -> str:
    """Returns a value for a label: a number in four digits, or a whole one in all of them; anything else as it is."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float | np.floating):
        shown = float(value)
        return f"{shown:.0f}" if shown.is_integer() and abs(shown) < 1e9 else f"{shown:.4g}"
    return str(value)
