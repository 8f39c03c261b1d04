"""The gradient of MaxPool, with a derivative of its own.

XLA's kernel for that derivative, MaxPoolGradGrad, rounds numbers to bfloat16, and there is none for float64.
"""

from collections.abc import Sequence
import itertools
from typing import Any, TypeAlias

import tensorflow as tf

POOL_GRADIENT = "deepexplain_tf/MaxPool"  # the name under which it is registered
_Length: TypeAlias = int | tf.Tensor


@tf.RegisterGradient(POOL_GRADIENT)
def _gradient(op: tf.Operation, upstream: tf.Tensor) -> tf.Tensor:
    form = {name: op.get_attr(name) for name in ("ksize", "strides", "padding", "explicit_paddings", "data_format")}
    form = {name: value.decode() if isinstance(value, bytes) else value for name, value in form.items()}

    @tf.custom_gradient
    def scattered(x: tf.Tensor, y: tf.Tensor, upstream: tf.Tensor):  # type: ignore[no-untyped-def]
        def gradient(direction: tf.Tensor) -> list[tf.Tensor | None]:
            return [None, None, _at_largest(x, y, direction, **form)]

        return tf.raw_ops.MaxPoolGrad(orig_input=x, orig_output=y, grad=upstream, **form), gradient

    return scattered(op.inputs[0], op.outputs[0], upstream)


def _at_largest(
    x: tf.Tensor,
    y: tf.Tensor,
    other: tf.Tensor,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    explicit_paddings: Sequence[int],
    data_format: str,
) -> tf.Tensor:
    """Returns `other` where x is largest in its window, at the first of several places, in the shape of y."""
    del data_format
    lengths, counts = lengths_of(x), lengths_of(y)
    pads: list[Any] = [(0, 0)] * 4
    if padding == "SAME":
        pads = [_same(*axis) for axis in zip(lengths, counts, ksize, strides, strict=True)]
    elif padding == "EXPLICIT":
        pads = list(zip(explicit_paddings[::2], explicit_paddings[1::2], strict=True))
    largest, found = (tf.pad(tensor, pads, constant_values=tensor.dtype.min) for tensor in (x, other))

    def at(tensor: tf.Tensor, place: Sequence[int]) -> tf.Tensor:
        axes = zip(place, counts, strides, strict=True)
        return tensor[tuple(slice(first, first + (count - 1) * step + 1, step) for first, count, step in axes)]

    first, *others = itertools.product(*map(range, ksize))
    best, chosen = at(largest, first), at(found, first)
    for place in others:
        value = at(largest, place)
        best, chosen = tf.maximum(best, value), tf.where(value > best, at(found, place), chosen)
    return tf.ensure_shape(chosen, y.shape)


def _same(length: _Length, count: _Length, size: int, step: int) -> tuple[_Length, _Length]:
    """Returns the padding before and after an axis under which `count` windows cover it."""
    missing = tf.maximum((count - 1) * step + size - length, 0)
    return missing // 2, missing - missing // 2


def lengths_of(tensor: tf.Tensor) -> list[_Length]:
    """Returns the lengths of a tensor's axes, as numbers where they are known."""
    known = tensor.shape.as_list()
    return [length if length is not None else tf.shape(tensor)[axis] for axis, length in enumerate(known)]
