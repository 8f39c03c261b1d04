"""Rules as users write them, for `overrides=` and `rewrite`."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def times(factor: float, as_list: bool = False) -> Callable[..., Any]:
    """Makes a rule that multiplies the upstream gradient by a number, whatever the op."""

    def rule(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
        @tf.custom_gradient
        def replaced(*inputs: tf.Tensor):
            output = op(*inputs)
            zeros = [tf.zeros_like(tensor) for tensor in inputs[1:]]
            return ([output] if as_list else output), lambda upstream: [factor * upstream, *zeros]

        return replaced(*inputs)

    return rule


def plainly(op: Any, inputs: Sequence[tf.Tensor]) -> Any:
    """A rule that leaves the gradient of its op as it is."""
    return op(*inputs)
