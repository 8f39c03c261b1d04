"""Curves of any form that end at the examples, and the gradients along them."""

from collections.abc import Callable

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    Tensors,
    as_column,
    between,
    gather_shared,
    sum_terms,
    target_values,
    weighted,
    wide_dtype,
)
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

# (α [rows] in 0 … 1, examples [rows, ...], baselines [rows, ...]) → the points γ(α), and dγ/dα there, [rows, ...] each;
# at α = 1 stands the example. Baselines are empty for a method without them.
Curve = Callable[[tf.Tensor, Tensors, Tensors], tuple[Tensors, Tensors]]


def straight(alpha: tf.Tensor, examples: Tensors, baselines: Tensors) -> tuple[Tensors, Tensors]:
    """The straight line from the baseline."""
    pairs = list(zip(baselines, examples, strict=True))
    return [between(x0, x, alpha) for x0, x in pairs], [x - x0 for x0, x in pairs]


class Curves:
    """The curves of the examples of a batch."""

    def __init__(self, scope: Scope, composite: Composite, curve: Curve, baselines: Tensors):
        """Prepares the curves.

        Args:
          scope: the examples.
          composite: the single-valued rules of the gradient.
          curve: the form of the curves.
          baselines: `[1 or batch, ...]` for each explained tensor, with all axes of an example; none for a curve that
            needs none.
        """
        self._scope, _ = scope.simplified(composite, straight=False)
        self._explained = self._scope.explained  # once, outside of loops
        self._composite, self._curve, self._baselines = composite, curve, baselines

    def integrals(self, nodes: tf.Tensor, weights: tf.Tensor, evaluations: Evaluations) -> list[tf.Tensor]:
        """Returns Σₖ wₖ γ′(αₖ)·∇F(γ(αₖ)) for each example, `[batch, ...]` for each explained tensor.

        Args:
          nodes: α, `[evaluations.per_example or more]`, in 0 … 1.
          weights: w, as many.
          evaluations: the number of nodes, the same for each example; the rest of `nodes` is padding.
        """
        explained = self._explained

        def terms(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            points, velocities = self._at_node(example, step, nodes, evaluations)
            _, gradients = self._scope.gather(example).gradient(points, self._composite)
            pairs = zip(weighted(tf.gather(weights, step), velocities), gradients, strict=True)
            return [velocity * tf.cast(gradient, velocity.dtype) for velocity, gradient in pairs]

        sums = sum_terms(evaluations, explained, terms)
        return [tf.cast(total, x.dtype) for total, x in zip(sums, explained, strict=True)]

    def gradient(self, example: tf.Tensor, alpha: tf.Tensor) -> tuple[tf.Tensor, Tensors]:
        """Returns the target `[rows]` at points of the curves, and its gradient, `[rows, ...]` each.

        Args:
          example: the numbers of the examples, `[rows]`.
          alpha: α of each, `[rows]`.
        """
        return self._scope.gather(example).gradient(self._at(example, alpha)[0], self._composite)

    def value(self, example: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
        """Returns the target `[rows]` at points of the curves; see `gradient`."""
        return self._scope.gather(example).value(self._at(example, alpha)[0])

    def values_at_ends(self, after: Tensors, examples: tf.Tensor, chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the target `[batch]` at the examples, and `[batch]` where the curves begin; see `target_values`.

        Args:
          after: tensors to compute first.
          examples: the number of examples, without padding.
          chunks: the sizes of the chunks.
        """

        def points(example: tf.Tensor, end: tf.Tensor) -> Tensors:
            beginning, _ = self._at(example, tf.zeros_like(end, wide_dtype(self._explained[0])))
            pairs = zip(self._explained, beginning, strict=True)
            return [tf.where(as_column(end, x, tf.bool), tf.gather(x, example), point) for x, point in pairs]

        evaluations = Evaluations(tf.constant(2), examples, chunks.for_few_evaluations())
        values = target_values(self._scope, points, evaluations, after)
        return values[:, 1], values[:, 0]

    def _at_node(
        self, example: tf.Tensor, step: tf.Tensor, nodes: tf.Tensor, evaluations: Evaluations
    ) -> tuple[Tensors, Tensors]:
        """Returns points at nodes of a quadrature, and γ′ there."""
        return self._at(example, tf.gather(nodes, step))

    def _at(self, example: tf.Tensor, alpha: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Returns points at α, and γ′ there."""
        examples = [tf.gather(x, example) for x in self._explained]
        return self._curve(alpha, examples, [gather_shared(x0, example) for x0 in self._baselines])
