"""The target at inputs that are partly replaced by the baseline."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, target_values
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows

Masks = Callable[[tf.Tensor], Sequence[tf.Tensor]]  # mask numbers [rows] → masks of the explained tensors


def masked_values(
    scope: Scope, baseline: Sequence[tf.Tensor], kept: Masks, count: tf.Tensor, chunks: Chunks
) -> tf.Tensor:
    """Returns the target `[batch, count]` under each mask, which keeps some features and replaces the others.

    A mask of floats m blends the input x with the baseline x₀: m·x + (1 − m)·x₀, exactly x at 1 and x₀ at 0.

    Args:
      scope: the examples.
      baseline: `[batch, ...]` for each explained tensor, in its shape.
      kept: mask numbers `[rows]` → booleans for each explained tensor, which broadcast to `[rows, ...]`, True where
        the input is kept; or floats in 0 … 1, for a tensor of floats.
      count: the number of masks, the same for every example.
      chunks: the sizes of the chunks.
    """
    inputs = scope.explained

    def points(example: tf.Tensor, mask: tf.Tensor) -> list[tf.Tensor]:
        return [
            _masked(keep, tf.gather(x, example), tf.gather(x0, example))
            for keep, x0, x in zip(kept(mask), baseline, inputs, strict=True)
        ]

    return target_values(scope, points, Evaluations(count, count_rows(inputs[0]), chunks))


def _masked(keep: tf.Tensor, x: tf.Tensor, x0: tf.Tensor) -> tf.Tensor:
    if keep.dtype == tf.bool:
        return tf.where(keep, x, x0)
    keep = tf.cast(keep, x.dtype)
    return keep * x + (1 - keep) * x0
