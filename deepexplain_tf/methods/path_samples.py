"""The samples of adaptive integration: the target and its gradient at single points of paths."""

import abc
from collections.abc import Callable, Hashable, Sequence
import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.methods.base import Data, Evaluate, Method, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.curves import Curve, Curves
from deepexplain_tf.paths.refinement import Samples
from deepexplain_tf.rules.composites import Composite


class CurveMethod(Method):
    """A method whose attributions are an integral along a curve."""

    @abc.abstractmethod
    def curve(self, data: TensorData) -> Curve:
        """Returns the curve; it may read `graph_options` and the arrays of `curve_data`, as tensors."""

    def curves(self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite) -> Curves:
        """Returns the curves of the examples; for the arguments see `attribute`."""
        baselines = scope.expand_baseline(baseline, shared=True) if self.uses_baseline else []
        return Curves(scope, composite, self.curve(data), baselines)

    def curve_data(self, layout: Layout) -> Data:
        """Returns the arrays that the curve needs, as `data` does."""
        del layout
        return {}


@dataclasses.dataclass(frozen=True)
class PathSamples(Method):
    """F and γ′(α)·∂F/∂x at γ(α) on the curve of a method, with an α `[batch]` for each row; not registered.

    Attributes:
      of: the method.
    """

    repeats: ClassVar[bool] = True
    of: CurveMethod

    @property
    def form(self) -> tuple[Hashable, ...]:
        return type(self), self.of.form

    def data(self, layout: Layout) -> Data:
        return self.of.curve_data(layout)

    def sampler(self, evaluate: Evaluate) -> Callable[[np.ndarray, np.ndarray], Samples]:
        """Returns a function `(example numbers [rows], α [rows])` → the `Samples` at these points."""

        def sample(rows: np.ndarray, alphas: np.ndarray) -> Samples:
            result = evaluate(self, rows, {"alpha": alphas})
            return Samples(result["outputs"].astype(np.float64), result["attributions"])

        return sample

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        simplified, _ = scope.simplified(composite, straight=False)
        baselines = scope.expand_baseline(baseline) if self.of.uses_baseline else []
        points, velocities = self.of.curve(data)(data["alpha"], scope.explained, baselines)
        target, gradients = simplified.gradient(points, composite)
        return {
            "attributions": [velocity * gradient for velocity, gradient in zip(velocities, gradients, strict=True)],
            "outputs": target,
        }
