"""The explained function at many points for each example: sums over its gradients, and its values."""

from collections.abc import Callable, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]
Points = Callable[[tf.Tensor, tf.Tensor], Tensors]  # examples [rows], numbers [rows] → a tensor [rows, ...] for each
Weights = Callable[[tf.Tensor], tf.Tensor]  # numbers [rows] → [rows]
# (examples, numbers, gradients) → what the gradients there contribute to the sums, [rows, ...]
Contribution = Callable[[tf.Tensor, tf.Tensor, Tensors], Tensors]


@dataclasses.dataclass(frozen=True)
class Evaluations:
    """Evaluations of the model, the same number for each example.

    Attributes:
      per_example: how many evaluations an example gets.
      examples: how many examples count; any behind them are padding.
      chunks: how many evaluations are done at once.
    """

    per_example: tf.Tensor
    examples: tf.Tensor
    chunks: Chunks

    @property
    def total(self) -> tf.Tensor:
        """How many evaluations all examples get together."""
        return self.examples * self.per_example


def sum_contributions(
    scope: Scope,
    composite: Composite,
    evaluations: Evaluations,
    templates: Tensors,
    points: Points,
    contribution: Contribution,
    weights: Weights | None = None,
) -> list[tf.Tensor]:
    """Returns, for each example, the sum of what its gradients contribute.

    Args:
      scope: the examples; a scope that `Scope.simplified` returned.
      composite: the single-valued rules of the gradient.
      evaluations: how many gradients there are.
      templates: tensors `[batch, ...]` in the shapes of the sums.
      points: where the gradients are taken.
      contribution: what each gradient contributes.
      weights: what the gradients are multiplied by; None for nothing.

    Returns:
      A tensor `[batch, ...]` for each template, in float32 at least.
    """
    per_example, chunks = evaluations.per_example, evaluations.chunks

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Tensors) -> list[tf.Tensor]:
        example, number = numbers // per_example, numbers % per_example
        weight = None if weights is None else weights(number)
        _, gradients = scope.gather(example).gradient(points(example, number), composite, weight)
        parts = zip(sums, contribution(example, number, gradients), strict=True)
        if chunks.pad:  # padding is added to an extra last row, which is dropped at the end
            return [_add_rows(total, tf.where(valid, example, tf.shape(total)[0] - 1), part) for total, part in parts]
        return [_add_sorted_rows(total, example, part) for total, part in parts]

    sums = [tf.zeros_like(tensor, wide_dtype(tensor)) for tensor in templates]
    if not chunks.pad:
        return chunks.run(evaluations.total, sums, body)
    sums = [tf.pad(total, [[0, 1]] + [[0, 0]] * (len(total.shape) - 1)) for total in sums]
    return [total[:-1] for total in chunks.run(evaluations.total, sums, body)]


def _add_rows(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Returns sums `[batch, ...]` with `part` `[rows, ...]` added to some rows, in shapes that a compiler knows."""
    return tf.tensor_scatter_nd_add(total, row[:, tf.newaxis], tf.cast(part, total.dtype))


def _add_sorted_rows(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Returns the same for rows in order: equal ones are added up first, which is faster without a compiler."""
    summed = tf.math.segment_sum(tf.cast(part, total.dtype), row - row[0])
    return _add_rows(total, tf.range(row[0], row[-1] + 1), summed)


def target_values(scope: Scope, points: Points, evaluations: Evaluations, after: Tensors = ()) -> tf.Tensor:
    """Returns the target `[batch, per_example]` at points.

    Args:
      scope: the examples.
      points: where the target is evaluated.
      evaluations: how many points there are.
      after: tensors that are ready before this begins; two loops side by side would need the memory of both.
    """
    per_example = evaluations.per_example

    def body(numbers: tf.Tensor, valid: tf.Tensor, state: Tensors) -> list[tf.Tensor]:
        del valid  # padding writes the last value once more
        example = numbers // per_example
        found = scope.gather(example).value(points(example, numbers % per_example))
        return [tf.tensor_scatter_nd_update(state[0], numbers[:, tf.newaxis], found)]

    with tf.control_dependencies(after):
        state = [tf.zeros([scope.size * per_example], scope.dtype)]
        (found,) = evaluations.chunks.run(evaluations.total, state, body)
    return tf.reshape(found, [scope.size, per_example])


def gather_shared(tensor: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Returns the rows of some examples from a tensor with one row per example, or with one that all share."""
    return tf.gather(tensor, tf.minimum(example, tf.shape(tensor)[0] - 1))


def as_column(numbers: tf.Tensor, operand: tf.Tensor, dtype: tf.DType | None = None) -> tf.Tensor:
    """Returns `numbers` `[rows]` as `[rows, 1, …, 1]`, in the rank (and dtype) of a tensor that it will meet."""
    return tf.reshape(tf.cast(numbers, dtype or operand.dtype), [-1] + [1] * (len(operand.shape) - 1))


def wide_dtype(tensor: tf.Tensor) -> tf.DType:
    """Returns the dtype in which a tensor's numbers are added up."""
    return tf.float64 if tensor.dtype == tf.float64 else tf.float32
