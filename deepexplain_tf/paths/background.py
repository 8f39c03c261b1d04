"""Means over a background, which is a set of baselines."""

from collections.abc import Callable, Mapping

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    Tensors,
    as_column,
    gather_shared,
    target_values,
    wide_dtype,
)
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows


def background_of(scope: Scope, data: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
    """Returns the baselines `[n_baselines, ...]` for each explained tensor from the data (`Layout.background_data`)."""
    return [
        tf.ensure_shape(data[f"background_{number}"], [None, *x.shape[1:]]) for number, x in enumerate(scope.explained)
    ]


def values_at_background(
    scope: Scope, background: Tensors, after: Tensors, examples: tf.Tensor, chunks: Chunks
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the target `[batch]` at the inputs, and `[batch]` its mean over the baselines; see `target_values`.

    Args:
      scope: the examples.
      background: the baselines, `[n_baselines, ...]` for each explained tensor.
      after: tensors to compute first.
      examples: the number of examples, without padding.
      chunks: the sizes of the chunks.
    """
    size = count_rows(background[0])

    def points(example: tf.Tensor, number: tf.Tensor) -> Tensors:
        return [
            tf.where(as_column(number < size, x, tf.bool), gather_shared(baseline, number), tf.gather(x, example))
            for baseline, x in zip(background, scope.explained, strict=True)
        ]

    values = target_values(scope, points, Evaluations(size + 1, examples, chunks.for_few_evaluations()), after)
    return values[:, -1], tf.reduce_mean(values[:, :-1], 1)


def mean_over(background: Tensors, attribution: Callable[[Tensors], Tensors], templates: Tensors) -> list[tf.Tensor]:
    """Returns the mean of an attribution over the baselines, which a loop takes one after the other.

    Args:
      background: the baselines, `[n_baselines, ...]` for each explained tensor.
      attribution: one baseline `[1, ...]` for each explained tensor → attributions.
      templates: tensors in the shapes and dtypes of the attributions.
    """
    size = count_rows(background[0])

    def step(number: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = attribution([tensor[number, tf.newaxis] for tensor in background])
        return number + 1, *(total + tf.cast(part, total.dtype) for total, part in zip(sums, parts, strict=True))

    first = (tf.constant(0), *(tf.zeros_like(tensor, wide_dtype(tensor)) for tensor in templates))
    shapes = tuple(tensor.shape for tensor in first)
    _, *sums = tf.while_loop(lambda number, *_: number < size, step, first, shapes, parallel_iterations=1)
    return [tf.cast(total / tf.cast(size, total.dtype), t.dtype) for total, t in zip(sums, templates, strict=True)]
