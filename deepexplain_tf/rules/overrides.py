"""Checks the rules that a user gives to op types and kinds."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import UnknownNameError, closest, shortened
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import Kind

_KINDS = (GROUP, *(kind.value for kind in Kind))


def read_overrides(overrides: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Returns a user's rules, checked.

    Args:
      overrides: op type or kind → `rule(op, inputs) -> outputs`; None for none.

    Raises:
      TypeError: `overrides` is no dict of functions.
      UnknownNameError: a key is no op type or kind.
    """
    if overrides is None:
        return {}
    if not isinstance(overrides, Mapping) or not all(callable(rule) for rule in overrides.values()):
        came = shortened(overrides)
        raise TypeError(f"overrides must be a dict of op type or kind → rule(op, inputs) -> outputs. Got {came}.")
    known = [*_KINDS, *(op for op in dir(tf.raw_ops) if op[0].isupper())]
    for name in overrides:
        if not isinstance(name, str) or name not in known:
            hint = closest(str(name), known)
            raise UnknownNameError(f"overrides must name op types or kinds. Got {shortened(name)}; {hint}.")
    return overrides
