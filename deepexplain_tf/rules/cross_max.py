"""The rule for maxima and minima: pooling, reductions, and the larger or smaller of two tensors."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.kinds import Kind
from deepexplain_tf.rules.base import RULES, Point, gradient_at, ordinary_gradient, sum_to_shape, twin


@RULES.register("cross_max")
@twin
def cross_max(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Routes Δy through the winner at x if y ≥ y₀, else through the winner at the baseline; minima mirror this.

    Where y ≥ y₀, the winner w at x has Δw ≥ Δy ≥ 0; elsewhere, the winner w at the baseline has Δw ≤ Δy < 0. The
    multiplier Δy / Δw of the winner lies in [0, 1]. Exact.

    References:
      The max-pooling rules of DeepLIFT (Shrikumar et al., ICML 2017) and shap, whose `cross_max` has the same idea.
    """
    y, y0 = x.outputs[0], baseline.outputs[0]
    change = upstream[0] * (y - y0)
    at_x = y <= y0 if op.kind is Kind.MINIMUM else y >= y0
    zeros = tf.zeros_like(change)
    operands = [x.inputs[position] for position in op.active]
    # A baseline that the batch shares is repeated, so that each example gets a gradient of its own.
    repeated = [
        at_input if at_baseline is at_input else tf.broadcast_to(at_baseline, tf.shape(at_input))
        for at_baseline, at_input in zip(baseline.inputs, x.inputs, strict=True)
    ]
    from_x = gradient_at(op, x, [tf.where(at_x, change, zeros), *upstream[1:]])
    from_baseline = ordinary_gradient(op, repeated, [tf.where(at_x, zeros, change), *upstream[1:]])
    return [
        sum_to_shape(tf.math.divide_no_nan(a + b, operand - baseline.inputs[position]), operand)
        for position, operand, a, b in zip(op.active, operands, from_x, from_baseline, strict=True)
    ]
