"""Backgrounds, which are sets of baselines: pairs of an example and a baseline, and means over the baselines."""

from collections.abc import Callable

import tensorflow as tf

from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, Tensors, as_column, sum_terms, wide_dtype
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows

# (scope of the rows, explained tensors, baselines) → target [rows] at both, and attributions, all [rows, ...]
PairAttribution = Callable[[Scope, Tensors, Tensors], tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]]


class Background:
    """A set of baselines that all examples share, or one for each example.

    Attributes:
      size: the number of baselines of an example.
    """

    def __init__(self, scope: Scope, baselines: Tensors, size: tf.Tensor | None = None):
        """Makes the background.

        Args:
          scope: the examples.
          baselines: `[1 or batch, n_baselines, ...]` for each explained tensor, of the same two lengths.
          size: the number of baselines of an example, where others follow that do not count; None for all.
        """
        self._scope = scope
        pairs = zip(baselines, scope.explained, strict=True)
        self._sets = [tf.ensure_shape(baseline, [None, None, *x.shape[1:]]) for baseline, x in pairs]
        self.size = tf.unstack(tf.shape(self._sets[0]))[1] if size is None else size

    def rows(self, example: tf.Tensor, number: tf.Tensor) -> list[tf.Tensor]:
        """Returns baselines `[rows, ...]` for each explained tensor.

        Args:
          example: `[rows]`, the numbers of the examples.
          number: `[rows]`, the numbers of the baselines of these examples.
        """
        sets = count_rows(self._sets[0])
        pairs = tf.stack([tf.minimum(example, sets - 1), number], 1)
        return [tf.gather_nd(baselines, pairs) for baselines in self._sets]

    def values(self, after: Tensors, examples: tf.Tensor, chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the target `[batch]` at the inputs, and `[batch]` its mean over the baselines.

        Args:
          after: tensors to compute first.
          examples: the number of examples, without padding.
          chunks: the sizes of the chunks.
        """
        scope = self._scope

        def terms(example: tf.Tensor, number: tf.Tensor) -> Tensors:
            rows, last = self.rows(example, tf.minimum(number, self.size - 1)), number == self.size
            target = scope.gather(example).value(
                [
                    tf.where(as_column(last, x, tf.bool), tf.gather(x, example), x0)
                    for x0, x in zip(rows, scope.explained, strict=True)
                ]
            )
            nothing = tf.zeros_like(target)
            return [tf.where(last, target, nothing), tf.where(last, nothing, target)]

        with tf.control_dependencies(after):
            evaluations = Evaluations(self.size + 1, examples, chunks.for_few_evaluations())
            at_inputs, at_baselines = sum_terms(evaluations, [tf.zeros([scope.size], scope.dtype)] * 2, terms)
        mean = at_baselines / tf.cast(self.size, at_baselines.dtype)
        return tf.cast(at_inputs, scope.dtype), tf.cast(mean, scope.dtype)

    def mean(self, of_baseline: Callable[[Tensors], Tensors], templates: Tensors) -> list[tf.Tensor]:
        """Returns means over the baselines, which a loop takes one after the other.

        Args:
          of_baseline: a baseline `[1 or batch, ...]` for each explained tensor → tensors.
          templates: tensors in the shapes and dtypes of the results.
        """

        def step(number: tf.Tensor, *sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
            parts = of_baseline([tf.gather(baselines, number, axis=1) for baselines in self._sets])
            return number + 1, *(total + tf.cast(part, total.dtype) for total, part in zip(sums, parts, strict=True))

        state = (tf.constant(0), *(tf.zeros_like(tensor, wide_dtype(tensor)) for tensor in templates))
        known = self._sets[0].shape[1]
        if known is None:
            shapes = tuple(tensor.shape for tensor in state)
            state = tf.while_loop(lambda number, *_: number < self.size, step, state, shapes, parallel_iterations=1)
        else:  # inside a function that XLA compiles, and differentiates: of a loop it would not know the shapes
            for _ in range(known):
                state = step(*state)
        return self._divided(state[1:], templates)

    def mean_of_pairs(
        self, attribution: PairAttribution, examples: tf.Tensor, chunks: Chunks
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Returns the target, and the means over the baselines of the target at them and of attributions.

        One loop over chunks takes all pairs of an example and a baseline.

        Args:
          attribution: the target at an example and at a baseline, and attributions in the shapes of the explained
            tensors.
          examples: the number of examples, without padding.
          chunks: the sizes of the chunks.
        """
        scope = self._scope

        def terms(example: tf.Tensor, number: tf.Tensor) -> Tensors:
            points = [tf.gather(x, example) for x in scope.explained]
            target, target0, parts = attribution(scope.gather(example), points, self.rows(example, number))
            return [tf.where(number == 0, target, tf.zeros_like(target)), target0, *parts]

        target = tf.zeros([scope.size], scope.dtype)
        templates = [target, target, *scope.explained]
        sums = sum_terms(Evaluations(self.size, examples, chunks), templates, terms)
        target0, *attributions = self._divided(sums[1:], templates[1:])
        return tf.cast(sums[0], scope.dtype), target0, attributions

    def _divided(self, sums: Tensors, templates: Tensors) -> list[tf.Tensor]:
        pairs = zip(sums, templates, strict=True)
        return [tf.cast(total / tf.cast(self.size, total.dtype), template.dtype) for total, template in pairs]
