"""What methods share whose path runs through the model's inputs, while a layer is looked at."""

import abc
from collections.abc import Sequence
import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.stepped import SteppedMethod
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    Tensors,
    on_line,
    sum_terms,
    target_at_ends,
    weighted,
)
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class LayerPathMethod(SteppedMethod):
    """An integral of the layer y that `DeepExplain(layer=)` names, along the straight line of the model's inputs.

    `baseline` has the structure of the model's inputs, and `baseline_outputs` are F there. Attributions have the shape
    of y; without `layer=` they are those of the inputs. What bypasses the layer moves along the path too. The user's
    own rules hold behind the layer.
    """

    from_inputs: ClassVar[bool] = True

    @abc.abstractmethod
    def terms(self, scope: Scope, directions: Tensors, composite: Composite) -> list[tf.Tensor]:
        """Returns the integrand, `[rows, ...]` for each explained tensor.

        Args:
          scope: some points of paths.
          directions: x − x₀ of the path of each point, `[rows, ...]` for each of the model's inputs.
          composite: the rules.
        """

    def shares(self, layout: Layout, objective: Objective, attributions: Sequence[np.ndarray]) -> list[np.ndarray]:
        if objective.prefix is not None:
            raise OptionError(
                "metrics change what layer= names, from a baseline there. Got attributions by a path of the model's "
                "inputs; leave out layer=, or take integrated_gradients, whose path lies at the layer."
            )
        return super().shares(layout, objective, attributions)

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        ends = scope.inputs
        starts = scope.expand_baseline(baseline, shared=True, of=ends)
        directions = [end - start for start, end in zip(starts, ends, strict=True)]

        def terms(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            point = scope.gather(example).at_inputs(on_line(starts, ends, example, tf.gather(data["nodes"], step)))
            parts = self.terms(point, [tf.gather(direction, example) for direction in directions], composite)
            return weighted(tf.gather(data["weights"], step), parts)

        attributions = sum_terms(Evaluations(data["steps"], data["count"], chunks), scope.explained, terms)
        values = target_at_ends(scope, starts, ends, data["count"], chunks, attributions, of_inputs=True)
        return {"attributions": attributions, "outputs": values[0], "baseline_outputs": values[1]}
