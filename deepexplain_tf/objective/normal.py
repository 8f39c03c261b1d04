"""Normal draws by number: the same on every device, whichever of them are drawn together."""

import math

import tensorflow as tf

_PHILOX = 1  # the algorithm; its counter counts blocks of four words, and XLA gives the same bits
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
    half = 2 * ((size + 3) // 4)
    start = tf.cast(first, tf.uint64) * tf.cast(half // 2, tf.uint64)
    words = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[count, 2 * half], key=[key], counter=[start, 0], alg=_PHILOX, dtype=tf.uint32
    )
    numbers = tf.cast(tf.bitwise.right_shift(words, 32 - _BITS), dtype)
    radius, angle = tf.split((2 * numbers + 1) * 2.0 ** -(_BITS + 1), 2, axis=1)
    radius, angle = tf.sqrt(-2 * tf.math.log(radius)), 2 * math.pi * angle
    drawn = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], 1)[:, :size]
    drawn = tf.reshape(drawn, tf.concat([[count], shape], 0))
    return tf.ensure_shape(drawn, [None, *like.shape[1:]])
