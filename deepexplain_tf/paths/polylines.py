"""Paths through points: straight from one to the next, each segment in the same time."""

from collections.abc import Sequence
import dataclasses

import numpy as np
import tensorflow as tf

from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.evaluations import Evaluations, Tensors, as_column, between
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.curves import Curves, straight
from deepexplain_tf.paths.user_path import require_end
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class Polyline:
    """The form of paths through points; two are equal, whatever the number of segments, since points are data.

    Attributes:
      segments: the number of segments of a path, one less than that of its points.
    """

    segments: int = dataclasses.field(compare=False)

    def check(self, examples: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> None:
        """Raises OptionError for a path `[1 or batch, n_points, ...]` that does not end at its example `[batch, ...]`.

        Args:
          examples: the examples, for each explained tensor.
          points: the points of the paths, for each of them.
        """
        for x, sets in zip(examples, points, strict=True):
            for number, example in enumerate(x):
                last = sets[min(number, len(sets) - 1), -1]
                require_end("path", "end at x, its last point", last, example, example, last)


class Polylines(Curves):
    """The paths through points of the examples of a batch; the last point is the example itself.

    The nodes of a quadrature are those of each segment after the other, in 0 … 1, so that no kink lies between them.
    """

    def __init__(self, scope: Scope, composite: Composite, points: Tensors):
        """Prepares the paths.

        Args:
          scope: the examples.
          composite: the single-valued rules of the gradient.
          points: `[1 or batch, n_points, ...]` for each explained tensor.
        """
        super().__init__(scope, composite, straight, [])
        self._points = Background(scope, points)
        self._segments = self._points.size - 1

    def _at_node(
        self, example: tf.Tensor, step: tf.Tensor, nodes: tf.Tensor, evaluations: Evaluations
    ) -> tuple[Tensors, Tensors]:
        of_segment = evaluations.per_example // self._segments
        return self._on(example, step // of_segment, tf.gather(nodes, step))

    def _at(self, example: tf.Tensor, alpha: tf.Tensor) -> tuple[Tensors, Tensors]:
        position = alpha * tf.cast(self._segments, alpha.dtype)
        segment = tf.minimum(tf.cast(position, tf.int32), self._segments - 1)
        return self._on(example, segment, position - tf.cast(segment, alpha.dtype))

    def _on(self, example: tf.Tensor, segment: tf.Tensor, share: tf.Tensor) -> tuple[Tensors, Tensors]:
        """Returns points, and their derivatives by α, at shares 0 … 1 of segments."""
        low, high = (self._points.rows(example, segment + end) for end in (0, 1))
        last = segment == self._segments - 1
        pairs = zip(high, self._explained, strict=True)
        high = [tf.where(as_column(last, x, tf.bool), tf.gather(x, example), point) for point, x in pairs]
        ends = list(zip(low, high, strict=True))
        return [between(a, b, share) for a, b in ends], [tf.cast(self._segments, b.dtype) * (b - a) for a, b in ends]
