"""The rule for products of two active values: the gradient at the midpoint of input and baseline."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin


@RULES.register("midpoint")
@twin
def midpoint(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """∂out/∂in at (x + x₀)/2.

    Exact for bilinear ops: Δ(ab) = ā·Δb + b̄·Δa. For Mul, MatMul, BatchMatMul, Einsum and convolutions of two active
    values (gates, attention).
    """
    middle = list(x.inputs)
    for position in op.active:
        middle[position] = average(x.inputs[position], baseline.inputs[position])
    gradients = ordinary_gradient(op, middle, upstream)
    return [sum_to_shape(g, x.inputs[position]) for position, g in zip(op.active, gradients, strict=True)]
