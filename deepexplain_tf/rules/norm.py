"""The rule for Euclidean lengths: the modulus of complex numbers, and norms along axes."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape, twin


@RULES.register("norm")
@twin
def norm(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δ‖z‖ = Re(conj(m)·Δz) with m = (z + z₀) / (‖z‖ + ‖z₀‖). Exact, also at 0."""
    z, z0 = x.inputs[0], baseline.inputs[0]
    scale = tf.math.divide_no_nan(upstream[0], x.outputs[0] + baseline.outputs[0])
    if op.type == "EuclideanNorm":
        scale = tf.reshape(scale, tf.shape(tf.reduce_sum(x.inputs[0], x.inputs[1], keepdims=True)))
    return [sum_to_shape(tf.cast(scale, z.dtype) * (z + z0), z)]
