"""Normal draws by number: the same on every device, whichever of them are drawn together."""

import math

import tensorflow as tf

from deepexplain_tf.objective.philox import random_words

_BITS = 23  # of each word: (2k + 1)·2⁻²⁴ is exact in float32


def normal(key: tf.Tensor, first: tf.Tensor, count: tf.Tensor, like: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns the standard normal tensors numbered `first` … `first + count − 1`, by Box and Muller's transform.

    Args:
      key: uint64, the key of all draws.
      first: the first number, an int32 scalar.
      count: how many, an int32 scalar.
      like: a tensor `[any number, ...]`.
      dtype: float32 or float64.

    Returns:
      `[count, ...]`, shaped like the rows of `like`.
    """
    shape = tf.shape(like)[1:]
    size = tf.reduce_prod(shape)
    drawn = box_muller(random_words(key, first, count, size), dtype)[:, :size]
    drawn = tf.reshape(drawn, tf.concat([[count], shape], 0))
    return tf.ensure_shape(drawn, [None, *like.shape[1:]])


def box_muller(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns a standard normal number of float32 or float64 for each word of `[count, an even number]`."""
    radius, angle = tf.split(inside_unit(words, dtype), 2, axis=1)
    radius, angle = tf.sqrt(-2 * tf.math.log(radius)), 2 * math.pi * angle
    return tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 1)


def inside_unit(words: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    """Returns a uniform number in (0, 1), of float32 or float64, for each word; symmetric around ½."""
    numbers = tf.cast(tf.bitwise.right_shift(words, 32 - _BITS), dtype)
    return (2 * numbers + 1) * 2.0 ** -(_BITS + 1)
