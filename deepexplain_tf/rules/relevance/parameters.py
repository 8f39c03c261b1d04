"""Checks the parameters of rules."""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.errors import OptionError, shortened


def number(name: str, given: Any, *, least: float) -> float:
    """Returns a parameter, a finite number of at least `least`.

    Raises:
      OptionError: anything else.
    """
    require(is_real(given) and given >= least, name, f"a number ≥ {least:g}", given)
    return float(given)


def bound(name: str, given: Any) -> np.ndarray | None:
    """Returns a bound of inputs as an array, None where the examples tell it.

    Raises:
      OptionError: no numbers, or numbers that are not finite.
    """
    if given is None:
        return None
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        raise OptionError(f"{name} must be a number or an array. Got {shortened(given)}.") from None
    if not np.isfinite(array).all():
        raise OptionError(f"{name} must be finite. Got {shortened(given)}.")
    return array
