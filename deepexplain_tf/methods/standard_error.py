"""The standard error of a mean, for methods that sample."""

import tensorflow as tf


def standard_error(deviations: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns √(Σ (v − mean)² / (n(n − 1))), whose derivative counts as 0 where it is 0; NaN for a single value.

    Args:
      deviations: Σ (v − mean)² over the values.
      count: n, the number of values, an int32 scalar.
    """
    values = tf.cast(count, deviations.dtype)
    variance = deviations / (values * tf.maximum(values - 1, 1))
    flat = variance <= 0  # NaN is not
    root = tf.where(flat, tf.zeros_like(variance), tf.sqrt(tf.where(flat, tf.ones_like(variance), variance)))
    return tf.where(count > 1, root, tf.constant(float("nan"), root.dtype))
