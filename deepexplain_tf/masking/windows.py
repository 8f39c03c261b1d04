"""Windows of an input: the features that a window covers, and sums over the windows that cover a feature."""

from collections.abc import Sequence
import dataclasses
import math

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows of one explained tensor, numbered with the last axis fastest.

    Attributes:
      starts: for each axis but the batch, the first positions of the windows.
      shape: the window's length along each axis.
      lengths: the tensor's length along each axis.
    """

    starts: Sequence[tf.Tensor]
    shape: tf.Tensor
    lengths: tf.Tensor

    @property
    def count(self) -> tf.Tensor:
        """The number of windows."""
        return tf.reduce_prod([tf.size(start) for start in self.starts]) if self.starts else tf.constant(1)

    def _along(self, axis: int) -> tf.Tensor:
        """Returns booleans `[starts, length]`: the positions along an axis that the window at each start covers."""
        position = tf.range(self.lengths[axis])
        start = self.starts[axis][:, tf.newaxis]
        return (position >= start) & (position < start + self.shape[axis])

    def covered(self, index: tf.Tensor) -> tf.Tensor:
        """Returns booleans `[rows, ...]` for the windows `index` `[rows]`, True at the features that each covers."""
        rank = len(self.starts)
        mask = tf.ones([tf.size(index)] + [1] * rank, tf.bool)
        for axis in reversed(range(rank)):
            along = tf.gather(self._along(axis), index % tf.size(self.starts[axis]))
            index = index // tf.size(self.starts[axis])
            lengths = [1] * rank
            mask &= tf.reshape(along, [-1, *lengths[:axis], self.lengths[axis], *lengths[axis + 1 :]])
        return mask

    def sum_over(self, drops: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, ...]`: for each feature, the sum of `drops` `[batch, windows]` over windows that cover it.

        A drop that is not finite makes NaN only of the features of its window.
        """
        finite = tf.math.is_finite(drops)
        spoiled = self._sum_over(tf.cast(~finite, drops.dtype)) > 0
        total = self._sum_over(tf.where(finite, drops, tf.zeros_like(drops)))
        return tf.where(spoiled, tf.constant(math.nan, total.dtype), total)

    def _sum_over(self, drops: tf.Tensor) -> tf.Tensor:
        total = tf.reshape(drops, tf.concat([tf.shape(drops)[:1], [tf.size(start) for start in self.starts]], 0))
        for axis in range(len(self.starts)):
            # Not tf.einsum, which damages memory for some of these shapes in float32 (TensorFlow 2.21).
            total = tf.tensordot(total, tf.cast(self._along(axis), drops.dtype), [[1], [0]])
        return total

    def covering(self) -> tf.Tensor:
        """Returns int32 `[...]`: the number of windows that cover each feature."""
        total = tf.ones([], tf.int32)
        for axis in range(len(self.starts)):
            total = total[..., tf.newaxis] * tf.reduce_sum(tf.cast(self._along(axis), tf.int32), 0)
        return total
