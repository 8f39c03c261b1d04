"""Random words by number: the same on every device and under XLA, whichever of them are drawn together."""

import tensorflow as tf

_PHILOX = 1  # the algorithm; its counter counts blocks of four words, and XLA gives the same bits


def random_words(key: tf.Tensor, first: tf.Tensor, count: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Returns the random words of the draws numbered `first` … `first + count − 1`.

    Args:
      key: uint64, the key of all draws.
      first: the first number, an int32 scalar.
      count: how many, an int32 scalar.
      size: the number of words that each draw needs, an int32 scalar.

    Returns:
      uint32 `[count, words]`, where `words` is `size` rounded up to a multiple of 4.
    """
    blocks = (size + 3) // 4
    start = tf.cast(first, tf.uint64) * tf.cast(blocks, tf.uint64)
    return tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[count, 4 * blocks], key=[key], counter=[start, 0], alg=_PHILOX, dtype=tf.uint32
    )
