"""The rule for selections whose condition depends on what is explained."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, sum_to_shape, twin


@RULES.register("choice")
@twin
def choice(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Multipliers c̄ for a, 1 − c̄ for b and ā − b̄ for c, where out = c·a + (1 − c)·b, and ¯ is the mean of both points.

    c is the condition as a number, 1 or 0 (`graph.passes.conditions`). Exact: Δout = c̄·Δa + (1 − c̄)·Δb + (ā − b̄)·Δc.
    What is never selected may be infinite, as masked logits are. That the condition and the values share their joint
    effect equally, as the two orders of changing them would on average, is a convention.
    """
    condition = average(x.inputs[0], baseline.inputs[0])
    a, b = (average(x.inputs[position], baseline.inputs[position]) for position in (1, 2))
    moved = tf.not_equal(x.inputs[0], baseline.inputs[0])
    share = tf.cast(condition, a.dtype)
    multipliers = (tf.where(moved, a - b, tf.zeros_like(a)), share, 1 - share)
    return [
        sum_to_shape(tf.cast(upstream[0] * multipliers[position], x.inputs[position].dtype), x.inputs[position])
        for position in op.differentiable
    ]
