"""Windows of an input: which features each one covers, and sums over those that cover a feature."""

from collections.abc import Sequence
import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of one input, numbered with the last axis fastest.

    Attributes:
      starts: for each axis, where windows start.
      shape: the window's length along each axis.
      lengths: the input's length along each axis.
    """

    starts: Sequence[tf.Tensor]
    shape: tf.Tensor
    lengths: tf.Tensor

    @property
    def count(self) -> tf.Tensor:
        """How many windows there are."""
        return tf.reduce_prod([tf.size(start) for start in self.starts]) if self.starts else tf.constant(1)

    def _along(self, axis: int) -> tf.Tensor:
        """Returns [starts, length]: which features along an axis each start's window covers."""
        place = tf.range(self.lengths[axis])
        start = self.starts[axis][:, tf.newaxis]
        return (place >= start) & (place < start + self.shape[axis])

    def covered(self, index: tf.Tensor) -> tf.Tensor:
        """Returns booleans [rows, ...] for the windows `index`."""
        rank = len(self.starts)
        mask = tf.ones([tf.size(index)] + [1] * rank, tf.bool)
        for axis in reversed(range(rank)):
            along = tf.gather(self._along(axis), index % tf.size(self.starts[axis]))
            index = index // tf.size(self.starts[axis])
            lengths = [1] * rank
            mask &= tf.reshape(along, [-1, *lengths[:axis], self.lengths[axis], *lengths[axis + 1 :]])
        return mask

    def sum_over(self, drops: tf.Tensor) -> tf.Tensor:
        """Returns [batch, ...]: for each feature the sum of `drops` [batch, windows] that cover it.

        A drop that is not finite makes NaN of the features of its window alone.
        """
        finite = tf.math.is_finite(drops)
        lost = self._sum_over(tf.cast(~finite, drops.dtype)) > 0
        total = self._sum_over(tf.where(finite, drops, tf.zeros_like(drops)))
        return tf.where(lost, tf.constant(math.nan, total.dtype), total)

    def _sum_over(self, drops: tf.Tensor) -> tf.Tensor:
        total = tf.reshape(drops, tf.concat([tf.shape(drops)[:1], [tf.size(start) for start in self.starts]], 0))
        for axis in range(len(self.starts)):
            total = tf.tensordot(total, tf.cast(self._along(axis), drops.dtype), [[1], [0]])
        return total

    def covering(self) -> tf.Tensor:
        """Returns [...]: how many windows cover each feature."""
        total = tf.ones([], tf.int32)
        for axis in range(len(self.starts)):
            total = total[..., tf.newaxis] * tf.reduce_sum(tf.cast(self._along(axis), tf.int32), 0)
        return total
