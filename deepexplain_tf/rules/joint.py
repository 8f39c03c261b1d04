"""The rule for element-wise functions of several active operands."""

from collections.abc import Sequence
import functools

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin


@RULES.register("joint")
@twin
def joint(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """M = J + Δ·(Δout − J·Δ) / ‖Δ‖² over the operands of one element, with J the derivative at the midpoint.

    For Atan2, Xlogy, Pow of two active values, comparisons of two, and a Select whose condition depends on what is
    explained through whole numbers (J is then the choice at x, which is exact if the condition is the same at both
    points; `choice` has the others). Complete wherever an operand changes. The effect of such a condition that changes
    alone belongs to no operand and stays in the completeness gap.
    """
    positions = op.differentiable
    shape = tf.shape(x.outputs[0])
    ends = [tf.broadcast_to(x.inputs[position], shape) for position in positions]
    starts = [tf.broadcast_to(baseline.inputs[position], shape) for position in positions]
    middle = list(x.inputs)
    for position, end, start in zip(positions, ends, starts, strict=True):
        middle[position] = average(end, start)
    jacobian = [
        tf.where(tf.math.is_finite(tf.abs(slope)), slope, tf.zeros_like(slope))
        for slope in ordinary_gradient(op, middle, [tf.ones_like(x.outputs[0])])
    ]
    changes = [end - start for end, start in zip(ends, starts, strict=True)]
    explained = tf.add_n([tf.math.conj(slope) * change for slope, change in zip(jacobian, changes, strict=True)])
    missing = tf.math.conj(x.outputs[0] - baseline.outputs[0] - explained)
    largest = tf.cast(functools.reduce(tf.maximum, map(tf.abs, changes)), missing.dtype)
    directions = [tf.math.divide_no_nan(change, largest) for change in changes]  # scaled: squares do not underflow
    size = largest * tf.add_n([tf.math.conj(part) * part for part in directions])
    correction = tf.math.divide_no_nan(missing, size)
    return [
        sum_to_shape(upstream[0] * (slope + part * correction), x.inputs[position])
        for position, slope, part in zip(positions, jacobian, directions, strict=True)
    ]
