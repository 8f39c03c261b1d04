"""The target at inputs of which a part is replaced by the baseline."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.objective import Scope

Masks = Callable[[tf.Tensor], Sequence[tf.Tensor]]  # numbers [rows] → for each explained tensor [rows, ...]


def masked_values(
    scope: Scope, baseline: Sequence[tf.Tensor], kept: Masks, count: tf.Tensor, chunks: Chunks
) -> tf.Tensor:
    """Returns the target `[batch, count]` where mask number m keeps some features and replaces the others.

    Args:
      scope: the examples.
      baseline: one per example, in the explained tensors' shapes.
      kept: mask numbers `[rows]` → booleans `[rows, ...]` for each explained tensor, True where x is kept.
      count: the number of masks, the same for every example.
      chunks: how many evaluations are done at once.
    """
    ends = scope.explained
    batch = tf.shape(ends[0])[0]

    def body(numbers: tf.Tensor, valid: tf.Tensor, state: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        del valid  # padding writes the last value once more
        example, mask = numbers // count, numbers % count
        points = [
            tf.where(keep, tf.gather(end, example), tf.gather(start, example))
            for keep, start, end in zip(kept(mask), baseline, ends, strict=True)
        ]
        values = scope.rows(example).value(points)
        return [tf.tensor_scatter_nd_update(state[0], numbers[:, tf.newaxis], values)]

    (values,) = chunks.run(batch * count, [tf.zeros([batch * count], scope.dtype)], body)
    return tf.reshape(values, [batch, count])
