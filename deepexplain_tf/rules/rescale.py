"""DeepLIFT's Rescale rule, for every scalar function."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import STEPS
from deepexplain_tf.rules.base import RULES, Point, ordinary_gradient, sum_to_shape, twin

# Below this fraction of |x + x₀|/2 a difference is mostly rounding, and the derivative is the better slope.
_RELATIVE_THRESHOLD = {tf.float64: 1e-8, tf.float32: 1e-5, tf.float16: 1e-2, tf.bfloat16: 5e-2}


@RULES.register("rescale")
@twin
def rescale(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δout / Δin; where Δin is within rounding of 0, the derivative at the midpoint if that is finite.

    Here 0 / 0 = 0. Guarantees m·Δin = Δout up to rounding, for any element-wise function of one active input; for
    functions with steps, the derivative counts only where Δin = 0.

    References:
      Shrikumar, Greenside, Kundaje, *Learning Important Features Through Propagating Activation
      Differences*, ICML 2017, https://arxiv.org/abs/1704.02685.
    """
    return [rescale_multiplier(op, x, baseline, upstream)]


def rescale_multiplier(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the multiplier of the `rescale` rule between two points, times upstream."""
    (position,) = op.active
    operand = x.inputs[position]
    at_x, at_baseline = operand, baseline.inputs[position]
    if len(x.inputs) > 1:  # constant operands may broadcast the active one
        at_x, at_baseline = (tf.broadcast_to(value, tf.shape(x.outputs[0])) for value in (at_x, at_baseline))
    run, rise = at_x - at_baseline, x.outputs[0] - baseline.outputs[0]
    middle = list(x.inputs)
    middle[position] = at_x - run / 2
    (derivative,) = ordinary_gradient(op, middle, upstream)
    threshold = 0.0 if _jumps(op) else _RELATIVE_THRESHOLD[run.dtype.real_dtype]
    near = tf.abs(run) <= threshold * tf.abs(middle[position])
    secant = upstream[0] * tf.math.conj(tf.math.divide_no_nan(rise, run))  # TensorFlow conjugates complex gradients
    product = tf.where(near & tf.math.is_finite(tf.abs(derivative)), derivative, secant)
    return product if len(x.inputs) == 1 else sum_to_shape(product, operand)


def _jumps(op: Op) -> bool:
    """Whether the derivative may say nothing about a change, however small: the function has steps."""
    types = {node.type for node in op.node.bodies["body"].nodes()} if op.type == GROUP else {op.type}
    return not types.isdisjoint(STEPS)
