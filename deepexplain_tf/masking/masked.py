"""The target at inputs of which a part is replaced by the baseline."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.lines import Evaluations, values

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

    def points(example: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
        return [
            tf.where(keep, tf.gather(end, example), tf.gather(start, example))
            for keep, start, end in zip(kept(mask), baseline, ends, strict=True)
        ]

    return values(scope, points, Evaluations(count, tf.shape(ends[0])[0], chunks))
