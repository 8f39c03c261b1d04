"""Programs as a part of the graph being built, where a tape differentiates them as one op."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_MESSAGE = (
    "Attributions inside a function that XLA compiles can be differentiated once. Differentiate this derivative in a "
    "function without jit_compile=True."
)


def inline(graph: Callable[..., Any], arguments: Sequence[Any]) -> Any:
    """Returns the tensors of a program, emitted into the graph being built.

    If the program were a function that the graph calls, what a tape keeps of it would pass through the call, where XLA
    no longer sees that shapes are constants: it would compile anew for other numbers.

    Args:
      graph: the program: `(*arguments)` → a structure of tensors.
      arguments: structures of tensors.
    """
    tensors = tf.nest.flatten(list(arguments))
    floats = [number for number, tensor in enumerate(tensors) if tensor.dtype.is_floating]

    @tf.custom_gradient
    def emitted(*given: tf.Tensor):  # type: ignore[no-untyped-def]
        full = list(tensors)
        for number, tensor in zip(floats, given, strict=True):
            full[number] = tensor
        results = graph(*tf.nest.pack_sequence_as(list(arguments), full))

        def gradient(*upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
            ends = tf.nest.flatten(results)
            found = tf.gradients(ends, [*given, *variables], list(upstream))
            final = [None if part is None else _final(part) for part in found]
            return (final[: len(given)], final[len(given) :]) if variables else final

        return results, gradient

    return emitted(*(tensors[number] for number in floats))


def _final(gradient: tf.Tensor) -> tf.Tensor:
    """Returns a gradient whose own derivative is an error: a tape does not see the ops that it was made of."""
    return tf.raw_ops.PreventGradient(input=tf.convert_to_tensor(gradient), message=_MESSAGE)
