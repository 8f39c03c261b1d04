"""The modulus of a complex number."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape, twin


@RULES.register("complex_abs")
@twin
def complex_abs(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δ|z| = Re(conj(m)·Δz) with m = (z + z₀) / (|z| + |z₀|). Exact, also at 0."""
    del op
    z, z0 = x.inputs[0], baseline.inputs[0]
    scale = tf.math.divide_no_nan(upstream[0], x.outputs[0] + baseline.outputs[0])
    return [sum_to_shape(tf.cast(scale, z.dtype) * (z + z0), z)]
