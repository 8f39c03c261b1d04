"""The rule for ops that mix axes and have no exact local rule: sorting, running products, singular values."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin

# How many of the last axes an op mixes, for ops that do not read the axes from their second input.
_LAST_AXES = {
    **dict.fromkeys(("TopKV2", "NthElement", "LRN", "RGBToHSV"), 1),
    **dict.fromkeys(("Cholesky", "SelfAdjointEigV2", "Svd"), 2),
    # These are linear, but the gradient that TensorFlow registers is another resampling and not the transpose.
    **dict.fromkeys(("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"), 3),
}


@RULES.register("secant")
@twin
def secant(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns g + Δin·(u·Δout − g·Δin) / ‖Δin‖², with g = uᵀJ at the midpoint; sums run over the axes that are mixed.

    For TopK, Prod, Cumprod, CumulativeLogsumexp, LRN and others. Complete wherever Δin ≠ 0 along those axes, and
    elsewhere Δout = 0. The split between features follows the gradient; no theorem singles it out.
    """
    operand = x.inputs[0]
    change = operand - baseline.inputs[0]
    middle = [average(operand, baseline.inputs[0]), *x.inputs[1:]]
    (gradient,) = ordinary_gradient(op, middle, upstream)
    gradient = tf.where(tf.math.is_finite(gradient), gradient, tf.zeros_like(gradient))
    axes = list(range(-_LAST_AXES[op.type], 0)) if op.type in _LAST_AXES else x.inputs[1]
    largest = tf.reduce_max(tf.abs(change), axes, keepdims=True)
    direction = tf.math.divide_no_nan(change, largest)  # scaled, so that its square does not underflow
    size = largest * tf.reduce_sum(direction * direction, axes, keepdims=True)
    rise = _summed(op, upstream[0] * (x.outputs[0] - baseline.outputs[0]), axes, tf.shape(size))
    missing = rise - tf.reduce_sum(gradient * change, axes, keepdims=True)
    return [sum_to_shape(gradient + direction * tf.math.divide_no_nan(missing, size), operand)]


def _summed(op: Op, rise: tf.Tensor, axes: object, shape: tf.Tensor) -> tf.Tensor:
    """Returns `rise`, shaped like the output, summed over the axes that the op mixes, which keep length 1."""
    if op.type.startswith("Cum"):
        return tf.reduce_sum(rise, axes, keepdims=True)
    return tf.reduce_sum(tf.reshape(rise, tf.concat([shape, [-1]], 0)), -1)
