"""The rule for division by an active value."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, sum_to_shape, twin


@RULES.register("quotient")
@twin
def quotient(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """a/b as a·r with r = 1/b: m_a = r̄ and m_b = ā·Δr/Δb = −ā/(b·b₀).

    Exact for every a and for b, b₀ ≠ 0. DivNoNan, with r = 0 at b = 0, is exact there too, with Δr/Δb itself.
    """
    divide = tf.math.divide_no_nan if op.type == "DivNoNan" else tf.divide
    numerator = average(x.inputs[0], baseline.inputs[0])
    one = tf.ones_like(x.inputs[1])
    reciprocals = divide(one, x.inputs[1]), divide(one, baseline.inputs[1])
    slope = -reciprocals[0] * reciprocals[1]
    if op.type == "DivNoNan":
        rise = tf.math.divide_no_nan(reciprocals[0] - reciprocals[1], x.inputs[1] - baseline.inputs[1])
        slope = tf.where((x.inputs[1] == 0) | (baseline.inputs[1] == 0), rise, slope)
    multipliers = {0: average(*reciprocals), 1: numerator * slope}
    return [
        sum_to_shape(upstream[0] * tf.math.conj(multipliers[position]), x.inputs[position]) for position in op.active
    ]
