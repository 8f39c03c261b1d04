"""DeepLIFT's Rescale rule for rectifiers, whose differences are exact."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, gradient_at, twin


@RULES.register("rectifier")
@twin
def rectifier(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δout / Δin; where Δin = 0, the derivative.

    For Relu and Relu6. If both points lie on one linear piece, Δout is Δin or 0 to the last bit: no Δin is too small to
    divide by, and the midpoint of the `rescale` rule is not needed. Exact. For Relu it is computed as a / (a + b), with
    a = max(x, x₀, 0) and b = max(−x, −x₀, 0), and 0 / 0 = 0: two passes over the numbers less.

    References:
      Shrikumar, Greenside, Kundaje, *Learning Important Features Through Propagating Activation
      Differences*, ICML 2017, https://arxiv.org/abs/1704.02685.
    """
    if op.node.type == "Relu":
        top = tf.maximum(x.outputs[0], baseline.outputs[0])
        bottom = tf.minimum(x.inputs[0], tf.minimum(baseline.inputs[0], 0))
        return [upstream[0] * tf.math.divide_no_nan(top, top - bottom)]
    run, rise = x.inputs[0] - baseline.inputs[0], x.outputs[0] - baseline.outputs[0]
    (derivative,) = gradient_at(op, x, upstream)
    return [tf.where(tf.equal(run, 0), derivative, upstream[0] * tf.math.divide_no_nan(rise, run))]
