"""DeepLIFT's Rescale rule, for every scalar function."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin

# Below this part of max(|x|, |x₀|) a difference is mostly rounding, and the derivative is the better slope.
_RELATIVE_THRESHOLD = {tf.float64: 1e-8, tf.float32: 1e-5, tf.float16: 1e-2, tf.bfloat16: 5e-2}


@RULES.register("rescale")
@twin
def rescale(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δout / Δin; where Δin is within rounding of 0, the derivative at the midpoint.

    Guarantees m·Δin = Δout up to rounding, for any function of one active input, element by element.

    References:
      Shrikumar, Greenside, Kundaje, *Learning Important Features Through Propagating Activation
      Differences*, ICML 2017, https://arxiv.org/abs/1704.02685.
    """
    (position,) = op.active
    operand = x.inputs[position]
    at_x, at_baseline = operand, baseline.inputs[position]
    if len(x.inputs) > 1:  # constants beside it may broadcast it
        at_x, at_baseline = (tf.broadcast_to(value, tf.shape(x.outputs[0])) for value in (at_x, at_baseline))
    middle = list(x.inputs)
    middle[position] = average(at_x, at_baseline)
    (derivative,) = ordinary_gradient(op, middle, [tf.ones_like(x.outputs[0])])
    multiplier = _slope(at_x, at_baseline, x.outputs[0] - baseline.outputs[0], derivative)
    return [sum_to_shape(upstream[0] * multiplier, operand)]


def _slope(x: tf.Tensor, baseline: tf.Tensor, rise: tf.Tensor, derivative: tf.Tensor) -> tf.Tensor:
    """Returns rise / (x − x₀), or the derivative where the two are as good as equal."""
    run = x - baseline
    equal = run == 0
    usable = tf.math.is_finite(derivative)
    threshold = tf.constant(_RELATIVE_THRESHOLD[x.dtype], x.dtype)
    near = tf.abs(run) <= threshold * tf.maximum(tf.abs(x), tf.abs(baseline))
    secant = rise / tf.where(equal, tf.ones_like(run), run)
    limit = tf.where(usable, derivative, tf.zeros_like(derivative))
    return tf.where(equal | (near & usable), limit, secant)
