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

    def _along(self) -> list[tf.Tensor]:
        """Returns booleans `[starts, length]` for each axis: the positions that the window at each start covers."""
        along = []
        sizes, lengths = (tf.unstack(tensor, len(self.starts)) for tensor in (self.shape, self.lengths))
        for first, size, length in zip(self.starts, sizes, lengths, strict=True):
            position, start = tf.range(length), tf.expand_dims(first, 1)
            along.append((position >= start) & (position < start + size))
        return along

    def covered(self, index: tf.Tensor) -> tf.Tensor:
        """Returns booleans `[rows, ...]` for the windows `index` `[rows]`, True at the features that each covers."""
        rank = len(self.starts)
        mask = tf.ones([tf.size(index)] + [1] * rank, tf.bool)
        for axis, along in reversed(list(enumerate(self._along()))):
            count = tf.size(self.starts[axis])
            before, after = [tf.newaxis] * axis, [tf.newaxis] * (rank - axis - 1)
            mask &= tf.gather(along, index % count)[:, *before, :, *after]
            index //= count
        return mask

    def sum_over(self, drops: tf.Tensor) -> tf.Tensor:
        """Returns `[batch, ...]`: for each feature, the sum of `drops` `[batch, windows]` over windows that cover it.

        A drop that is not finite makes NaN only of the features of its window.
        """
        finite = tf.math.is_finite(drops)
        both = tf.concat([tf.where(finite, drops, tf.zeros_like(drops)), tf.cast(~finite, drops.dtype)], 0)
        total = tf.transpose(both)  # [windows, 2 · batch]
        for start, along in zip(self.starts, self._along(), strict=True):  # the first axis is summed, and comes last
            # Not a product of batches or `tf.einsum`, which damage memory in float32 (TensorFlow 2.21 on a CPU).
            rows = tf.reshape(total, [tf.size(start), -1])
            total = tf.matmul(rows, tf.cast(along, drops.dtype), transpose_a=True)
        total, spoiled = tf.split(tf.reshape(total, [-1, *tf.unstack(self.lengths, len(self.starts))]), 2)
        return tf.where(spoiled > 0, tf.constant(math.nan, total.dtype), total)

    def covering(self) -> tf.Tensor:
        """Returns int32 `[...]`: the number of windows that cover each feature."""
        total = tf.ones([], tf.int32)
        for along in self._along():
            total = tf.expand_dims(total, -1) * tf.reduce_sum(tf.cast(along, tf.int32), 0)
        return total
