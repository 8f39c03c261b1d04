"""The target at many points for each example: sums over its gradients, and its values."""

from collections.abc import Callable, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]
Points = Callable[[tf.Tensor, tf.Tensor], Tensors]  # examples [rows], numbers [rows] → a tensor [rows, ...] for each
Weights = Callable[[tf.Tensor], tf.Tensor]  # numbers [rows] → [rows]
# (examples, numbers, gradients) → the terms of the sums, [rows, ...]
Contribution = Callable[[tf.Tensor, tf.Tensor, Tensors], Tensors]


@dataclasses.dataclass(frozen=True)
class Evaluations:
    """Evaluations of the model, the same number for each example.

    Attributes:
      per_example: the number of evaluations of one example.
      examples: the number of examples, without the padding that follows them.
      chunks: the sizes of the chunks.
      rounds: whether the first evaluations of all examples come first, then all second ones, …; else all of an example.
    """

    per_example: tf.Tensor
    examples: tf.Tensor
    chunks: Chunks
    rounds: bool = False

    @property
    def total(self) -> tf.Tensor:
        """The number of evaluations of all examples together."""
        return self.examples * self.per_example

    def pairs(self, numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the example, and the number among its evaluations, of evaluations numbered through, `[rows]` each."""
        if self.rounds:
            return numbers % self.examples, numbers // self.examples
        return numbers // self.per_example, numbers % self.per_example


def sum_contributions(
    scope: Scope,
    composite: Composite,
    evaluations: Evaluations,
    templates: Tensors,
    points: Points,
    contribution: Contribution,
    weights: Weights | None = None,
) -> list[tf.Tensor]:
    """Returns sums over the gradients of each example; see `sum_terms`.

    Args:
      scope: the examples; a scope that `Scope.simplified` returned.
      composite: the single-valued rules of the gradient.
      evaluations: the number of gradients.
      templates: tensors `[batch, ...]` in the shapes of the sums.
      points: the points at which the gradients are taken.
      contribution: the terms that each gradient adds to the sums.
      weights: the factors of the gradients; None for no factors.
    """

    def terms(example: tf.Tensor, number: tf.Tensor) -> Tensors:
        weight = None if weights is None else weights(number)
        _, gradients = scope.gather(example).gradient(points(example, number), composite, weight)
        return contribution(example, number, gradients)

    return sum_terms(evaluations, templates, terms)


def sum_terms(evaluations: Evaluations, templates: Tensors, terms: Points) -> list[tf.Tensor]:
    """Returns sums over the evaluations of each example.

    Args:
      evaluations: the number of evaluations.
      templates: tensors `[batch, ...]` in the shapes of the sums.
      terms: examples `[rows]` and numbers `[rows]` → the terms that these evaluations add to the sums.

    Returns:
      A tensor `[batch, ...]` for each template, in float64 for a float64 template, else in float32.
    """
    chunks = evaluations.chunks

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Tensors) -> list[tf.Tensor]:
        example, number = evaluations.pairs(numbers)
        parts = zip(sums, terms(example, number), strict=True)
        if chunks.pad:  # an extra last row takes the padding, and is dropped at the end
            return [_add_rows(total, tf.where(valid, example, count_rows(total) - 1), part) for total, part in parts]
        add = _add_rows if evaluations.rounds else _add_sorted_rows
        return [add(total, example, part) for total, part in parts]

    sums = [tf.zeros_like(tensor, wide_dtype(tensor)) for tensor in templates]
    if not chunks.pad:
        return chunks.run(evaluations.total, sums, body)
    sums = [tf.pad(total, [[0, 1]] + [[0, 0]] * (len(total.shape) - 1)) for total in sums]
    return [total[:-1] for total in chunks.run(evaluations.total, sums, body)]


def _add_rows(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Returns sums `[batch, ...]` with `part` `[rows, ...]` added to some rows, in shapes known to XLA."""
    return tf.tensor_scatter_nd_add(total, tf.expand_dims(row, 1), tf.cast(part, total.dtype))


def _add_sorted_rows(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Does the same for sorted rows: equal rows are added up first, which is faster without XLA."""
    first, last = row[0], row[-1]
    summed = tf.math.segment_sum(tf.cast(part, total.dtype), row - first)
    return _add_rows(total, tf.range(first, last + 1), summed)


def target_values(
    scope: Scope, points: Points, evaluations: Evaluations, after: Tensors = (), *, of_inputs: bool = False
) -> tf.Tensor:
    """Returns the target `[batch, per_example]` at points.

    Args:
      scope: the examples.
      points: the points at which the target is evaluated.
      evaluations: the number of points.
      after: tensors to compute first; two loops side by side would need the memory of both.
      of_inputs: whether the points are inputs of the model, in place of explained tensors.
    """
    per_example = evaluations.per_example

    total = scope.size * per_example

    def body(numbers: tf.Tensor, valid: tf.Tensor, state: Tensors) -> list[tf.Tensor]:
        example = numbers // per_example
        rows, at = scope.gather(example), points(example, numbers % per_example)
        if of_inputs:
            rows = rows.at_inputs(at)
            at = rows.explained
        target = rows.value(at)
        row = tf.where(valid, numbers, total)  # an extra last row takes the padding, and is dropped at the end
        return [tf.tensor_scatter_nd_update(state[0], tf.expand_dims(row, 1), target)]

    with tf.control_dependencies(after):
        (values,) = evaluations.chunks.run(evaluations.total, [tf.zeros([total + 1], scope.dtype)], body)
    return tf.reshape(values[:-1], [scope.size, per_example])


def target_at_ends(
    scope: Scope,
    starts: Tensors,
    ends: Tensors,
    examples: tf.Tensor,
    chunks: Chunks,
    after: Tensors,
    *,
    of_inputs: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the target `[batch]` at the ends of lines, and `[batch]` at their starts; see `target_values`.

    Args:
      scope: the examples.
      starts: `[1 or batch, ...]` each.
      ends: `[batch, ...]` each.
      examples: the number of examples, without padding.
      chunks: the sizes of the chunks.
      after: tensors to compute first.
      of_inputs: whether the lines are those of the model's inputs, in place of the explained tensors.
    """

    def points(example: tf.Tensor, end: tf.Tensor) -> Tensors:
        return on_line(starts, ends, example, end)

    evaluations = Evaluations(tf.constant(2), examples, chunks.for_few_evaluations())
    values = target_values(scope, points, evaluations, after, of_inputs=of_inputs)
    return values[:, 1], values[:, 0]


def on_line(starts: Tensors, ends: Tensors, example: tf.Tensor, alpha: tf.Tensor) -> list[tf.Tensor]:
    """Returns the points x₀ + α(x − x₀) of some examples, exactly x at α = 1.

    Args:
      starts: x₀, `[1 or batch, ...]` each.
      ends: x, `[batch, ...]` each.
      example: the numbers of the examples, `[rows]`.
      alpha: α of each, `[rows]`.
    """
    pairs = zip(starts, ends, strict=True)
    return [between(gather_shared(start, example), tf.gather(end, example), alpha) for start, end in pairs]


def between(x0: tf.Tensor, x: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """Returns x₀ + α(x − x₀) `[rows, ...]` for α `[rows]`; at α = 1 exactly x, without rounding."""
    return tf.where(as_column(alpha == 1, x, tf.bool), x, x0 + as_column(alpha, x) * (x - x0))


def weighted(weights: tf.Tensor, tensors: Tensors) -> list[tf.Tensor]:
    """Returns tensors `[rows, ...]` times weights `[rows]`, in the dtypes of sums over them."""
    return [as_column(weights, part, wide_dtype(part)) * tf.cast(part, wide_dtype(part)) for part in tensors]


def gather_shared(tensor: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Returns the rows `example` of a tensor with one row per example, or with one row that all examples share."""
    return tf.gather(tensor, tf.minimum(example, count_rows(tensor) - 1))


def gather_baseline(baseline: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Does the same for a baseline, but one that all examples share stays one row."""
    sets = count_rows(baseline)
    kept = example[: tf.where(sets == 1, 1, count_rows(example))]
    return gather_shared(baseline, kept)


def as_column(numbers: tf.Tensor, operand: tf.Tensor, dtype: tf.DType | None = None) -> tf.Tensor:
    """Returns `numbers` `[rows]` as `[rows, 1, …, 1]` in the rank of `operand`, in its dtype unless one is given."""
    return tf.reshape(tf.cast(numbers, dtype or operand.dtype), [-1] + [1] * (len(operand.shape) - 1))


def wide_dtype(*tensors: tf.Tensor) -> tf.DType:
    """Returns the dtype for sums over tensors: float64 if one of them is of float64, else float32."""
    return tf.float64 if any(tensor.dtype == tf.float64 for tensor in tensors) else tf.float32
