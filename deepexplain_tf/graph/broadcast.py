"""Gradients of sums and products whose broadcast axes are known although the batch is open.

Where a dimension is open, TensorFlow's own gradients compute the broadcast axes at run time, by six ops for each op of
the model. Between `[None, 8, 8, 16]` and `[16]` these axes are known beforehand.
"""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.graph.ir import Node

_PREFIX = "deepexplain_tf/"
_Partial = Callable[[tf.Operation, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def gradient_name(node: Node) -> str | None:
    """Returns the name under which this module registers an op's gradient, None if TensorFlow's own is used."""
    if node.type not in _PARTIALS or not node.output().dtype.is_floating:
        return None
    known = _broadcast_axes(*(value.shape for value in node.inputs))
    return None if known is None else _PREFIX + node.type


def _broadcast_axes(a: tf.TensorShape, b: tf.TensorShape) -> tuple[list[int], list[int]] | None:
    """Returns the axes of the result along which each operand is repeated, None if they are unknown."""
    if a.rank is None or b.rank is None:
        return None
    rank = max(a.rank, b.rank)
    axes: tuple[list[int], list[int]] = ([], [])
    for axis in range(rank):
        first, second = (1 if axis < rank - s.rank else s[axis - rank + s.rank] for s in (a, b))
        if first == second and first is not None:
            continue
        if first == 1:
            axes[0].append(axis)
        elif second == 1:
            axes[1].append(axis)
        else:
            return None
    return axes


def _reduced(tensor: tf.Tensor, axes: Sequence[int], operand: tf.Tensor) -> tf.Tensor:
    """Returns an operand's gradient: `tensor` summed over the `axes` along which the operand was repeated."""
    missing = len(tensor.shape) - len(operand.shape)
    kept = [axis for axis in axes if axis >= missing]
    if kept:
        tensor = tf.reduce_sum(tensor, kept, keepdims=True)
    return tf.reduce_sum(tensor, list(range(missing))) if missing else tensor


def _register(type_: str, partial: _Partial) -> _Partial:
    @tf.RegisterGradient(_PREFIX + type_)
    def gradient(op: tf.Operation, upstream: tf.Tensor) -> list[tf.Tensor]:
        axes = _broadcast_axes(*(tensor.shape for tensor in op.inputs))
        partials = partial(op, upstream)
        if axes is None:  # the emitted op may know less of its shapes than the traced one
            repeated = tf.raw_ops.BroadcastGradientArgs(s0=tf.shape(op.inputs[0]), s1=tf.shape(op.inputs[1]))
            sums = [tf.reduce_sum(tensor, along) for tensor, along in zip(partials, repeated, strict=True)]
            return [tf.reshape(total, tf.shape(operand)) for total, operand in zip(sums, op.inputs, strict=True)]
        triples = zip(partials, axes, op.inputs, strict=True)
        return [_reduced(tensor, along, operand) for tensor, along, operand in triples]

    return partial


_PARTIALS = {
    type_: _register(type_, partial)
    for type_, partial in {
        "Add": lambda op, upstream: (upstream, upstream),
        "AddV2": lambda op, upstream: (upstream, upstream),
        "Sub": lambda op, upstream: (upstream, -upstream),
        "Mul": lambda op, upstream: (upstream * op.inputs[1], upstream * op.inputs[0]),
    }.items()
}
