"""Gradients at many points for each example: integrals along straight paths, and means over drawn points."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.passes import AffinePrefix
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

Tensors = Sequence[tf.Tensor]
Points = Callable[[tf.Tensor, tf.Tensor], Tensors]  # examples [rows], numbers [rows] → a tensor [rows, ...] for each
Weights = Callable[[tf.Tensor], tf.Tensor]  # numbers [rows] → [rows]
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
    scope: Scope,
    composite: Composite,
    evaluations: Evaluations,
    like: Tensors,
    points: Points,
    made: Contribution,
    weights: Weights | None = None,
) -> list[tf.Tensor]:
    """Returns for each example the sum of what is made of its gradients.

    Args:
      scope: the examples; of `Scope.simplified`.
      composite: the single-valued rules of the gradient.
      evaluations: how many there are.
      like: tensors `[batch, ...]` in the shapes of the sums.
      points: where the gradients are taken.
      made: what is added up.
      weights: what the gradients are multiplied by; None for nothing.

    Returns:
      A tensor `[batch, ...]` for each of `like`, in float32 at least.
    """
    each, chunks = evaluations.each, evaluations.chunks

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Tensors) -> list[tf.Tensor]:
        example, number = numbers // each, numbers % each
        weight = None if weights is None else weights(number)
        _, gradients = scope.rows(example).gradient(points(example, number), composite, weight)
        parts = zip(sums, made(example, number, gradients), strict=True)
        if chunks.pad:  # with what goes where nothing is kept
            return [_scattered(total, tf.where(valid, example, tf.shape(total)[0] - 1), part) for total, part in parts]
        return [_gathered(total, example, part) for total, part in parts]

    sums = [tf.zeros_like(tensor, _wide(tensor)) for tensor in like]
    if not chunks.pad:
        return chunks.run(evaluations.count * each, sums, body)
    sums = [tf.pad(total, [[0, 1]] + [[0, 0]] * (len(total.shape) - 1)) for total in sums]
    return [total[:-1] for total in chunks.run(evaluations.count * each, sums, body)]


def _scattered(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Returns sums `[batch, ...]` with parts `[rows, ...]` added to some rows, in shapes that a compiler knows."""
    return tf.tensor_scatter_nd_add(total, row[:, tf.newaxis], tf.cast(part, total.dtype))


def _gathered(total: tf.Tensor, row: tf.Tensor, part: tf.Tensor) -> tf.Tensor:
    """Returns the same for rows in order, each of which is first added up by itself: faster without a compiler."""
    summed = tf.math.segment_sum(tf.cast(part, total.dtype), row - row[0])
    return _scattered(total, tf.range(row[0], row[-1] + 1), summed)


class Lines:
    """Straight lines to the examples from one or several baselines.

    The affine part of the model is not evaluated on them: its values there lie between those at the ends, and its
    transpose is applied to the sum of the gradients behind it.
    """

    def __init__(self, scope: Scope, composite: Composite, starts: Tensors):
        """Args: the examples; the single-valued rules of the gradient; the baselines, of `Scope.starts`."""
        self._composite = composite
        self._rest, self._prefix = scope.simplified(composite, straight=True)
        self._points = [tf.identity(tensor) for tensor in scope.explained]
        self._starts, self._ends = starts, self._points
        if self._prefix is not None:
            both = [tf.concat(pair, 0) for pair in zip(self._points, starts, strict=True)]
            sizes = [tf.shape(tensors[0])[0] for tensors in (self._points, starts)]
            halves = [tf.split(tensor, sizes, num=2) for tensor in _carried(self._prefix, both)]
            self._ends, self._starts = ([_open_batch(half[n]) for half in halves] for n in (0, 1))

    def mean_gradients(self, nodes: tf.Tensor, weights: tf.Tensor, evaluations: Evaluations) -> list[tf.Tensor]:
        """Returns Σₖ wₖ ∇F(x₀ + αₖ(x − x₀)) for each example, `[batch, ...]`.

        Args:
          nodes: α, `[evaluations.each or more]`.
          weights: w.
          evaluations: how many there are, the same number for each example.
        """
        starts, ends = self._starts, self._ends
        differences = [end - start for start, end in zip(starts, ends, strict=True)]

        def points(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            alpha = tf.gather(nodes, step)
            return [
                row(start, example) + column(alpha, difference) * tf.gather(difference, example)
                for start, difference in zip(starts, differences, strict=True)
            ]

        def weight(step: tf.Tensor) -> tf.Tensor:
            return tf.gather(weights, step)

        def weighted(example: tf.Tensor, step: tf.Tensor, gradients: Tensors) -> Tensors:
            del example
            return [column(weight(step), g, _wide(g)) * tf.cast(g, _wide(g)) for g in gradients]

        def unchanged(example: tf.Tensor, step: tf.Tensor, gradients: Tensors) -> Tensors:
            del example, step
            return gradients

        # A gradient is linear in what comes from above, rules need not be; a narrow dtype would round the weights.
        linear = self._composite.is_plain and all(end.dtype == _wide(end) for end in ends)
        how = (unchanged, weight) if linear else (weighted, None)
        sums = add_up(self._rest, self._composite, evaluations, ends, points, *how)
        means = [tf.cast(total, end.dtype) for total, end in zip(sums, ends, strict=True)]
        if self._prefix is None:
            return means
        unconnected = tf.UnconnectedGradients.ZERO
        # Its transpose, at the inputs alone; the values that this emits again are read by nothing.
        again = _carried(self._prefix, self._points)
        return list(tf.gradients(again, self._points, means, unconnected_gradients=unconnected))

    def values_at_ends(self, after: Tensors, count: tf.Tensor, chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the target `[batch]` at the inputs and at the baselines; see `values`."""

        def points(example: tf.Tensor, end: tf.Tensor) -> Tensors:
            return [
                tf.where(column(end, x, tf.bool), tf.gather(x, example), row(start, example))
                for start, x in zip(self._starts, self._ends, strict=True)
            ]

        found = values(self._rest, points, Evaluations(tf.constant(2), count, chunks.of_few()), after)
        return found[:, 1], found[:, 0]


def _carried(prefix: AffinePrefix, points: Tensors) -> Tensors:
    """Returns points as the values that the affine part has there."""
    return emit(prefix.prefix, prefix.bound(points))


def values(scope: Scope, points: Points, evaluations: Evaluations, after: Tensors = ()) -> tf.Tensor:
    """Returns the target `[batch, each]` at points.

    Args:
      scope: the examples.
      points: where.
      evaluations: how many there are.
      after: what is ready before this begins; two loops side by side would need the memory of both.
    """
    each = evaluations.each

    def body(numbers: tf.Tensor, valid: tf.Tensor, state: Tensors) -> list[tf.Tensor]:
        del valid  # padding writes the last value once more
        example = numbers // each
        found = scope.rows(example).value(points(example, numbers % each))
        return [tf.tensor_scatter_nd_update(state[0], numbers[:, tf.newaxis], found)]

    with tf.control_dependencies(after):
        state = [tf.zeros([scope.size * each], scope.dtype)]
        (found,) = evaluations.chunks.run(evaluations.count * each, state, body)
    return tf.reshape(found, [scope.size, each])


def values_at_background(
    scope: Scope, background: Tensors, after: Tensors, count: tf.Tensor, chunks: Chunks
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the target `[batch]` at the inputs, and its mean over baselines `[any number, ...]`; see `values`."""
    size = tf.shape(background[0])[0]

    def points(example: tf.Tensor, number: tf.Tensor) -> Tensors:
        return [
            tf.where(column(number < size, x, tf.bool), row(start, number), tf.gather(x, example))
            for start, x in zip(background, scope.explained, strict=True)
        ]

    found = values(scope, points, Evaluations(size + 1, count, chunks.of_few()), after)
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


def _open_batch(tensor: tf.Tensor) -> tf.Tensor:
    """Returns a tensor whose number of rows is not known, as that of the examples is not."""
    return tf.ensure_shape(tensor, [None, *tensor.shape[1:]])


def _wide(tensor: tf.Tensor) -> tf.DType:
    """Returns the dtype in which a tensor's numbers are added up."""
    return tf.float64 if tensor.dtype == tf.float64 else tf.float32
