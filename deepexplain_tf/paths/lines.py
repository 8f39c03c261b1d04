"""Straight lines from baselines to examples, and the gradients along them."""

import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.passes import AffinePrefix
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    Tensors,
    as_column,
    gather_shared,
    sum_contributions,
    target_at_ends,
    weighted,
    wide_dtype,
)
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite


class Lines:
    """Straight lines from one or several baselines to the examples.

    The affine prefix of the model is evaluated only at the two ends of a line: its values in between are interpolated,
    and its transpose is applied once, to the sum of the gradients after it.
    """

    def __init__(self, scope: Scope, composite: Composite, baselines: Tensors):
        """Prepares the lines.

        Args:
          scope: the examples.
          composite: the single-valued rules of the gradient.
          baselines: `[1 or batch, ...]` for each explained tensor, with all axes of an example.
        """
        self._composite = composite
        self._suffix, self._prefix = scope.simplified(composite, straight=True)
        self._inputs = [tf.identity(tensor) for tensor in scope.explained]
        self._baselines, self._ends = baselines, self._inputs  # the two ends of each line, at the frontier
        if self._prefix is not None:
            joined = [tf.concat(pair, 0) for pair in zip(self._inputs, baselines, strict=True)]
            sizes = [count_rows(tensors[0]) for tensors in (self._inputs, baselines)]
            halves = [tf.split(tensor, sizes, num=2) for tensor in _through_prefix(self._prefix, joined)]
            self._ends, self._baselines = ([_open_batch(half[n]) for half in halves] for n in (0, 1))

    def mean_gradients(self, nodes: tf.Tensor, weights: tf.Tensor, evaluations: Evaluations) -> list[tf.Tensor]:
        """Returns Σₖ wₖ ∇F(x₀ + αₖ(x − x₀)) for each example, `[batch, ...]`.

        Args:
          nodes: α, `[evaluations.per_example or more]`, in 0 … 1.
          weights: w, as many.
          evaluations: the number of nodes, the same for each example; the rest of `nodes` is padding.

        Returns:
          A tensor `[batch, ...]` for each explained tensor.
        """
        baselines, ends = self._baselines, self._ends
        differences = [end - baseline for baseline, end in zip(baselines, ends, strict=True)]

        def points(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            alpha = tf.gather(nodes, step)
            return [
                gather_shared(baseline, example) + as_column(alpha, difference) * tf.gather(difference, example)
                for baseline, difference in zip(baselines, differences, strict=True)
            ]

        def weight(step: tf.Tensor) -> tf.Tensor:
            return tf.gather(weights, step)

        def times_weight(example: tf.Tensor, step: tf.Tensor, gradients: Tensors) -> Tensors:
            del example
            return weighted(weight(step), gradients)

        def unchanged(example: tf.Tensor, step: tf.Tensor, gradients: Tensors) -> Tensors:
            del example, step
            return gradients

        # Plain gradients are linear in the upstream gradient, rules may not be; a narrow dtype would round the weights.
        linear = self._composite.is_plain and all(end.dtype == wide_dtype(end) for end in ends)
        contribution, factors = (unchanged, weight) if linear else (times_weight, None)
        sums = sum_contributions(self._suffix, self._composite, evaluations, ends, points, contribution, factors)
        means = [tf.cast(total, end.dtype) for total, end in zip(sums, ends, strict=True)]
        if self._prefix is None:
            return means
        unconnected = tf.UnconnectedGradients.ZERO
        # The transpose of the prefix; nothing reads the values that are emitted for it.
        frontier = _through_prefix(self._prefix, self._inputs)
        return list(tf.gradients(frontier, self._inputs, means, unconnected_gradients=unconnected))

    def values_at_ends(self, after: Tensors, examples: tf.Tensor, chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the target `[batch]` at the inputs, and `[batch]` at the baselines; see `target_values`.

        Args:
          after: tensors to compute first.
          examples: the number of examples, without padding.
          chunks: the sizes of the chunks.
        """
        return target_at_ends(self._suffix, self._baselines, self._ends, examples, chunks, after)


def _through_prefix(prefix: AffinePrefix, points: Tensors) -> Tensors:
    """Returns the values of the affine prefix at points."""
    return emit(prefix.prefix, prefix.feed(points))


def _open_batch(tensor: tf.Tensor) -> tf.Tensor:
    """Returns a tensor whose static number of rows is unknown, like that of the examples."""
    return tf.ensure_shape(tensor, [None, *tensor.shape[1:]])
