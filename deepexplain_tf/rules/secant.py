"""Ops that mix an axis in a way for which no local rule is exact: sorting, running products, singular values."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, ordinary_gradient, sum_to_shape, twin

# Of ops that do not read it from their last input, how many of the last axes are mixed.
_LAST_AXES = {
    **dict.fromkeys(("TopKV2", "NthElement", "LRN", "RGBToHSV"), 1),
    **dict.fromkeys(("Cholesky", "SelfAdjointEigV2", "Svd"), 2),
    # These are linear, but what TensorFlow gives as their gradient is another resampling, and not the transpose.
    **dict.fromkeys(("ImageProjectiveTransformV2", "ImageProjectiveTransformV3"), 3),
}


@RULES.register("secant")
@twin
def secant(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns g + Δin·(u·Δout − g·Δin) / ‖Δin‖², g = uᵀJ the gradient at the midpoint, sums along the op's own axes.

    For TopK, Prod, Cumprod, CumulativeLogsumexp, LRN and others. Complete wherever Δin ≠ 0 along those axes, which
    is where Δout ≠ 0; how it is split between their features follows the gradient, and is no theorem.
    """
    operand = x.inputs[0]
    change = operand - baseline.inputs[0]
    middle = [average(operand, baseline.inputs[0]), *x.inputs[1:]]
    (gradient,) = ordinary_gradient(op, middle, upstream)
    gradient = tf.where(tf.math.is_finite(gradient), gradient, tf.zeros_like(gradient))
    axes = list(range(-_LAST_AXES[op.type], 0)) if op.type in _LAST_AXES else x.inputs[1]
    largest = tf.reduce_max(tf.abs(change), axes, keepdims=True)
    direction = tf.math.divide_no_nan(change, largest)  # whose square does not underflow
    size = largest * tf.reduce_sum(direction * direction, axes, keepdims=True)
    rise = _summed(op, upstream[0] * (x.outputs[0] - baseline.outputs[0]), axes, tf.shape(size))
    missing = rise - tf.reduce_sum(gradient * change, axes, keepdims=True)
    return [sum_to_shape(gradient + direction * tf.math.divide_no_nan(missing, size), operand)]


def _summed(op: Op, rise: tf.Tensor, axes: object, shape: tf.Tensor) -> tf.Tensor:
    """Returns the sum of what an op puts out over the axes that it mixes, which keep length 1."""
    if op.type.startswith("Cum"):
        return tf.reduce_sum(rise, axes, keepdims=True)
    return tf.reduce_sum(tf.reshape(rise, tf.concat([shape, [-1]], 0)), -1)
