"""Maps of a few positions, stretched over more."""

from collections.abc import Sequence

import tensorflow as tf


def stretched(maps: tf.Tensor, sizes: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns maps `[rows, positions...]` with other numbers of positions, interpolated linearly along each axis.

    Positions are the centers of equal parts of an axis, as in `tf.image.resize`; beyond the outermost centers the map
    stays as it is there.

    Args:
      maps: the maps.
      sizes: the new number of positions along each axis.
    """
    shape = tf.unstack(tf.shape(maps))
    for length, size in zip(shape[1:], sizes, strict=True):  # the first axis of positions is contracted, and comes last
        maps = tf.tensordot(maps, tf.cast(_weights(length, size), maps.dtype), [[1], [1]])
    return maps


def _weights(length: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Returns the parts `[size, length]` of old positions in new ones."""
    positions = tf.cast(tf.range(length), tf.float64)
    scale = tf.cast(length, tf.float64) / tf.cast(size, tf.float64)
    centers = (tf.cast(tf.range(size), tf.float64) + 0.5) * scale - 0.5
    centers = tf.clip_by_value(centers, tf.zeros([], tf.float64), tf.cast(length - 1, tf.float64))
    return tf.maximum(1.0 - tf.abs(centers[:, tf.newaxis] - positions), 0.0)
