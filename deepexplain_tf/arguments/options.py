"""Checks of option values that users pass."""

import sys
from typing import Any

import numpy as np

from deepexplain_tf.errors import OptionError, shortened


def require(condition: bool, option: str, range_: str, got: object) -> None:
    """Raises OptionError unless `condition` holds; the message names the option, its range and the value."""
    if not condition:
        raise OptionError(f"{option} must be {range_}. Got {shortened(got)}.")


def require_whole(option: str, least: int, value: Any) -> None:
    """Raises OptionError unless an option is a whole number ≥ `least`."""
    require(is_int(value) and value >= least, option, f"a whole number ≥ {least}", value)


def require_between(option: str, least: int, most: int, value: Any) -> None:
    """Raises OptionError unless an option is a whole number in `least` … `most`."""
    require(is_int(value) and least <= value <= most, option, f"a whole number in {least} … {most}", value)


def require_bool(option: str, value: Any) -> None:
    """Raises OptionError unless an option is True or False."""
    require(isinstance(value, bool), option, "True or False", value)


def require_seed(seed: Any) -> None:
    """Raises OptionError unless a seed is None or a whole number ≥ 0."""
    if seed is not None:
        require_whole("seed", 0, seed)


def is_int(value: object) -> bool:
    """Returns whether a value is a whole number; a bool is not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Returns whether a value is a finite real number; a bool is not."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    # Excludes NaN, Inf, and ints too large for a float.
    number = value if isinstance(value, int) else float(value)  # a narrow float cannot be compared with that
    return -sys.float_info.max <= number <= sys.float_info.max
