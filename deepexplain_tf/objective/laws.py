"""Draws by number, of the laws from which a model draws: the same with XLA and without."""

from collections.abc import Callable
import math
from typing import Any

import ml_dtypes
import tensorflow as tf

from deepexplain_tf.objective.normal import box_muller, inside_unit
from deepexplain_tf.objective.philox import random_words

# (key, number, shape, dtype, *bounds) → the draw with this number, in this shape: an int32 vector
Law = Callable[..., tf.Tensor]


def uniform(key: tf.Tensor, number: tf.Tensor, shape: Any, dtype: tf.DType) -> tf.Tensor:
    """Draws k·2⁻ᵇ, uniform in [0, 1), with as many bits b as the dtype holds exactly, at most 32."""
    bits = min(ml_dtypes.finfo(dtype.as_numpy_dtype).nmant + 1, 32)
    whole = tf.bitwise.right_shift(_words(key, number, shape), 32 - bits)
    return tf.cast(whole, dtype) * tf.constant(2.0**-bits, dtype)


def normal(key: tf.Tensor, number: tf.Tensor, shape: Any, dtype: tf.DType) -> tf.Tensor:
    """Draws standard normal numbers."""
    size = tf.reduce_prod(shape)
    drawn = box_muller(random_words(key, number, tf.constant(1), size), _wide(dtype))
    return tf.cast(tf.reshape(drawn[0, :size], shape), dtype)


def truncated_normal(key: tf.Tensor, number: tf.Tensor, shape: Any, dtype: tf.DType) -> tf.Tensor:
    """Draws standard normal numbers in (−2, 2), as the inverse of their distribution at uniform numbers."""
    signed = 2 * inside_unit(_words(key, number, shape), _wide(dtype)) - 1
    return tf.cast(math.sqrt(2) * tf.math.erfinv(math.erf(math.sqrt(2)) * signed), dtype)


def integers(
    key: tf.Tensor, number: tf.Tensor, shape: Any, dtype: tf.DType, least: tf.Tensor, end: tf.Tensor
) -> tf.Tensor:
    """Draws whole numbers `least` ≤ n < `end`; as TensorFlow's, the remainder of 64 random bits."""
    start = tf.cast(least, tf.int64)
    count = tf.cast(tf.cast(end, tf.int64) - start, tf.uint64)
    return tf.cast(start + tf.cast(_long_words(key, number, shape) % count, tf.int64), dtype)


def all_integers(key: tf.Tensor, number: tf.Tensor, shape: Any, dtype: tf.DType) -> tf.Tensor:
    """Draws whole numbers from all that the dtype has."""
    return tf.cast((_words if dtype.size == 4 else _long_words)(key, number, shape), dtype)


def _words(key: tf.Tensor, number: tf.Tensor, shape: Any) -> tf.Tensor:
    size = tf.reduce_prod(shape)
    return tf.reshape(random_words(key, number, tf.constant(1), size)[0, :size], shape)


def _long_words(key: tf.Tensor, number: tf.Tensor, shape: Any) -> tf.Tensor:
    high, low = tf.unstack(tf.cast(_words(key, number, tf.concat([[2], shape], 0)), tf.uint64))
    return tf.bitwise.bitwise_or(tf.bitwise.left_shift(high, tf.constant(32, tf.uint64)), low)


def _wide(dtype: tf.DType) -> tf.DType:
    return tf.float64 if dtype == tf.float64 else tf.float32
