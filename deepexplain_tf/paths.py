"""Gradients at many points for each example: integrals along straight paths, and means over drawn points."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.objective import Scope
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]
Points = Callable[[tf.Tensor, tf.Tensor], Tensors]  # examples [rows], numbers [rows] → a tensor [rows, ...] for each
# ... and what is made of the gradients there: (examples, numbers, gradients) → contributions [rows, ...]
Contribution = Callable[[tf.Tensor, tf.Tensor, Tensors], Tensors]


@dataclasses.dataclass(frozen=True)
class Evaluations:
    """Evaluations of the model, the same number for each example.

    Attributes:
      each: how many for an example.
      count: how many examples count; those behind them are padding.
      chunks: how many are done at once.
    """

    each: tf.Tensor
    count: tf.Tensor
    chunks: Chunks


def add_up(
    scope: Scope, composite: Composite, evaluations: Evaluations, like: Tensors, points: Points, made: Contribution
) -> list[tf.Tensor]:
    """Returns for each example the sum of what is made of its gradients.

    Args:
      scope: the examples; of `Scope.simplified`.
      composite: the single-valued rules of the gradient.
      evaluations: how many there are.
      like: tensors `[batch, ...]` in the shapes of the sums.
      points: where the gradients are taken.
      made: what is added up.

    Returns:
      A tensor `[batch, ...]` for each of `like`, in float32 at least.
    """
    each = evaluations.each

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Tensors) -> list[tf.Tensor]:
        example, number = numbers // each, numbers % each
        _, gradients = scope.rows(example).gradient(points(example, number), composite)
        # Padding repeats the last evaluation: it goes where nothing is kept.
        row = tf.where(valid, example, tf.shape(sums[0])[0] - 1)[:, tf.newaxis]
        return [
            tf.tensor_scatter_nd_add(total, row, tf.cast(part, total.dtype))
            for total, part in zip(sums, made(example, number, gradients), strict=True)
        ]

    sums = [_zeros(tensor) for tensor in like]
    sums = evaluations.chunks.run(evaluations.count * each, sums, body)
    return [total[:-1] for total in sums]


def _zeros(like: tf.Tensor) -> tf.Tensor:
    """Returns zeros for sums, with one row more than there are examples."""
    return tf.pad(tf.zeros_like(like, _wide(like)), [[0, 1]] + [[0, 0]] * (len(like.shape) - 1))


class Lines:
    """Straight lines to the examples from one or several baselines.

    The affine part of the model is not evaluated on them: its values there lie between those at the ends, and its
    transpose is applied to the sum of the gradients behind it.
    """

    def __init__(self, scope: Scope, composite: Composite):
        """Args: the examples; the single-valued rules of the gradient."""
        self._composite = composite
        self._rest, self._prefix = scope.simplified(composite, straight=True)
        self._points = [tf.identity(tensor) for tensor in scope.explained]
        self._ends = self.carried(self._points)

    def carried(self, points: Tensors) -> Tensors:
        """Returns points (of `Scope.starts`) as the values that the affine part has there."""
        return points if self._prefix is None else emit(self._prefix.prefix, self._prefix.bound(points))

    def mean_gradients(
        self, starts: Tensors, nodes: tf.Tensor, weights: tf.Tensor, evaluations: Evaluations
    ) -> list[tf.Tensor]:
        """Returns Σₖ wₖ ∇F(x₀ + αₖ(x − x₀)) for each example, `[batch, ...]`.

        Args:
          starts: x₀, carried.
          nodes: α, `[evaluations.each or more]`.
          weights: w.
          evaluations: how many there are, the same number for each example.
        """
        ends = self._ends
        differences = [end - start for start, end in zip(starts, ends, strict=True)]

        def points(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            alpha = tf.gather(nodes, step)
            return [
                row(start, example) + column(alpha, difference) * tf.gather(difference, example)
                for start, difference in zip(starts, differences, strict=True)
            ]

        def weighted(example: tf.Tensor, step: tf.Tensor, gradients: Tensors) -> Tensors:
            del example
            weight = tf.gather(weights, step)
            return [column(weight, g, _wide(g)) * tf.cast(g, _wide(g)) for g in gradients]

        sums = add_up(self._rest, self._composite, evaluations, ends, points, weighted)
        means = [tf.cast(total, end.dtype) for total, end in zip(sums, ends, strict=True)]
        if self._prefix is None:
            return means
        unconnected = tf.UnconnectedGradients.ZERO
        return list(tf.gradients(list(ends), self._points, means, unconnected_gradients=unconnected))

    def values_at_ends(self, starts: Tensors, count: tf.Tensor, chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the target `[batch]` at the inputs and at the baselines, carried."""

        def points(example: tf.Tensor, end: tf.Tensor) -> Tensors:
            return [
                tf.where(column(end, x, tf.bool), tf.gather(x, example), row(start, example))
                for start, x in zip(starts, self._ends, strict=True)
            ]

        found = values(self._rest, points, Evaluations(tf.constant(2), count, chunks.of_few()))
        return found[:, 1], found[:, 0]


def values(scope: Scope, points: Points, evaluations: Evaluations) -> tf.Tensor:
    """Returns the target `[batch, each]` at points."""
    each = evaluations.each

    def body(numbers: tf.Tensor, valid: tf.Tensor, state: Tensors) -> list[tf.Tensor]:
        del valid  # padding writes the last value once more
        example = numbers // each
        found = scope.rows(example).value(points(example, numbers % each))
        return [tf.tensor_scatter_nd_update(state[0], numbers[:, tf.newaxis], found)]

    state = [tf.zeros([scope.size * each], scope.dtype)]
    (found,) = evaluations.chunks.run(evaluations.count * each, state, body)
    return tf.reshape(found, [scope.size, each])


def values_at_background(
    scope: Scope, background: Tensors, count: tf.Tensor, chunks: Chunks
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the target `[batch]` at the inputs, and its mean over baselines `[any number, ...]`."""
    size = tf.shape(background[0])[0]

    def points(example: tf.Tensor, number: tf.Tensor) -> Tensors:
        return [
            tf.where(column(number < size, x, tf.bool), row(start, number), tf.gather(x, example))
            for start, x in zip(background, scope.explained, strict=True)
        ]

    found = values(scope, points, Evaluations(size + 1, count, chunks.of_few()))
    return found[:, -1], tf.reduce_mean(found[:, :-1], 1)


def background_of(scope: Scope, data: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
    """Returns the baselines in a method's data (`Layout.background_data`), in the shape of what is explained."""
    return [
        tf.ensure_shape(data[f"background_{number}"], [None, *x.shape[1:]]) for number, x in enumerate(scope.explained)
    ]


def mean_over(background: Tensors, found: Callable[[Tensors], Tensors], like: Tensors) -> list[tf.Tensor]:
    """Returns the mean of what is found from each of several baselines.

    Args:
      background: the baselines, `[any number, ...]` for each explained tensor.
      found: a baseline `[1, ...]` of each → tensors.
      like: tensors in the shapes and dtypes of these.
    """
    size = tf.shape(background[0])[0]

    def turn(number: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
        parts = found([tensor[number, tf.newaxis] for tensor in background])
        return number + 1, *(total + tf.cast(part, total.dtype) for total, part in zip(sums, parts, strict=True))

    first = (tf.constant(0), *(tf.zeros_like(tensor, _wide(tensor)) for tensor in like))
    shapes = tuple(tensor.shape for tensor in first)
    _, *sums = tf.while_loop(lambda number, *_: number < size, turn, first, shapes, parallel_iterations=1)
    return [tf.cast(total / tf.cast(size, total.dtype), t.dtype) for total, t in zip(sums, like, strict=True)]


def row(start: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Returns the rows of some examples, where all may share one."""
    return tf.gather(start, tf.minimum(example, tf.shape(start)[0] - 1))


def column(numbers: tf.Tensor, like: tf.Tensor, dtype: tf.DType | None = None) -> tf.Tensor:
    """Returns `numbers` [rows] as [rows, 1, …, 1], to go with a tensor of the rank (and dtype) of `like`."""
    return tf.reshape(tf.cast(numbers, dtype or like.dtype), [-1] + [1] * (len(like.shape) - 1))


def _wide(tensor: tf.Tensor) -> tf.DType:
    """Returns the dtype in which a tensor's numbers are added up."""
    return tf.float64 if tensor.dtype == tf.float64 else tf.float32
