"""Ops that mix an axis in a way for which no local rule is exact: sorting, running products."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin


@RULES.register("secant")
@twin
def secant(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns g + Δin·(u·Δout − g·Δin) / ‖Δin‖², g = uᵀJ the gradient at the midpoint, sums along the op's own axis.

    For TopK, Prod, Cumprod, CumulativeLogsumexp and LRN. Complete wherever Δin ≠ 0 along that axis, which is
    where Δout ≠ 0; how it is split between the features of that axis follows the gradient, and is no theorem.
    """
    operand = x.inputs[0]
    change = operand - baseline.inputs[0]
    middle = [average(operand, baseline.inputs[0]), *x.inputs[1:]]
    (gradient,) = ordinary_gradient(op, middle, upstream)
    rise = upstream[0] * (x.outputs[0] - baseline.outputs[0])
    missing = _along(op, x, rise, done=op.type == "Prod") - _along(op, x, gradient * change)
    correction = tf.math.divide_no_nan(missing, _along(op, x, change * change))
    return [sum_to_shape(gradient + change * correction, operand)]


def _along(op: Op, x: Point, tensor: tf.Tensor, done: bool = False) -> tf.Tensor:
    """Returns a tensor summed along the op's axis, which stays with length 1.

    Args:
      op: the op.
      x: its inputs, of which the second is the axis (TopK and LRN have the last).
      tensor: what is summed.
      done: whether the op has reduced that axis already.
    """
    axis = -1 if op.type in ("TopK", "TopKV2", "LRN") else x.inputs[1]
    if not done:
        return tf.reduce_sum(tensor, axis, keepdims=True)
    shape = tf.shape(tf.reduce_sum(x.inputs[0], axis, keepdims=True))
    return tf.reshape(tensor, shape)
