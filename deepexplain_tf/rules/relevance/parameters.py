"""Checks the parameters of rules, and writes them."""

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


def described(name: str, *parameters: float | str, **options: tuple[float, float]) -> str:
    """Returns a rule in words that tell it from every other: `name(parameter, …, option=…)`.

    Args:
      name: the rule's name.
      parameters: those that are always shown; an empty text is left out.
      options: values and their defaults, which are not shown.
    """
    shown = [_shown(parameter) for parameter in parameters if parameter != ""]
    shown += [f"{option}={_shown(value)}" for option, (value, default) in options.items() if value != default]
    return f"{name}({', '.join(shown)})"


def _shown(parameter: float | str) -> str:
    if isinstance(parameter, str):
        return parameter
    return f"{parameter:g}" if float(f"{parameter:g}") == parameter else repr(parameter)
