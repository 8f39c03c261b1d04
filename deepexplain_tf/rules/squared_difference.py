"""The rule for the square of a difference."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape, twin


@RULES.register("squared_difference")
@twin
def squared_difference(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """(a − b)² as the square of d = a − b: Δ(d²) = (d + d₀)·Δd, so m_a = d + d₀ and m_b = −m_a. Exact."""
    total = (x.inputs[0] - x.inputs[1]) + (baseline.inputs[0] - baseline.inputs[1])
    signed = {0: upstream[0] * total, 1: -upstream[0] * total}
    return [sum_to_shape(signed[position], x.inputs[position]) for position in op.active]
