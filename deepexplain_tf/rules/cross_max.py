"""Choices of the largest or smallest: pooling, reductions, and of two tensors."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.kinds import Kind
from deepexplain_tf.rules.base import RULES, Point, gradient_at, ordinary_gradient, sum_to_shape, twin


@RULES.register("cross_max")
@twin
def cross_max(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Routes Δy through the winner at x where that one moved y, else through the winner at the baseline.

    For a maximum: where y ≥ y₀ the winner w at x has Δw ≥ Δy ≥ 0, and elsewhere the winner at the baseline
    has Δw ≤ Δy < 0; its multiplier Δy / Δw lies in [0, 1]. A minimum mirrors this. Exact.

    References:
      The idea is that of the `cross_max` of shap's and DeepLIFT's max-pooling rules (Shrikumar et al. 2017).
    """
    y, y0 = x.outputs[0], baseline.outputs[0]
    change = upstream[0] * (y - y0)
    at_x = y <= y0 if op.kind is Kind.MINIMUM else y >= y0
    nothing = tf.zeros_like(change)
    operands = [x.inputs[position] for position in op.active]
    # One baseline for the batch has winners of its own for each example.
    spread = [
        tf.broadcast_to(value, tf.shape(like)) if position in op.active else value
        for position, (value, like) in enumerate(zip(baseline.inputs, x.inputs, strict=True))
    ]
    from_x = gradient_at(op, x, [tf.where(at_x, change, nothing), *upstream[1:]])
    from_baseline = ordinary_gradient(op, spread, [tf.where(at_x, nothing, change), *upstream[1:]])
    return [
        sum_to_shape(tf.math.divide_no_nan(a + b, operand - baseline.inputs[position]), operand)
        for position, operand, a, b in zip(op.active, operands, from_x, from_baseline, strict=True)
    ]
