"""The samples of adaptive integration: the target and its gradient at single points of paths."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.methods.base import Evaluate, Method, Result, TensorData
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import as_column
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.refinement import Samples
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class PathSamples(Method):
    """F and (x − x₀)·∂F/∂x at x₀ + α(x − x₀), with an α `[batch]` for each row of the batch; not registered."""

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True

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
        alpha, baselines = data["alpha"], scope.expand_baseline(baseline)
        differences = [x - x0 for x0, x in zip(baselines, scope.explained, strict=True)]
        points = [
            # At α = 1 exactly x, without rounding.
            tf.where(as_column(alpha == 1, x, tf.bool), x, x0 + as_column(alpha, x) * difference)
            for x0, x, difference in zip(baselines, scope.explained, differences, strict=True)
        ]
        target, gradients = simplified.gradient(points, composite)
        return {
            "attributions": [difference * g for difference, g in zip(differences, gradients, strict=True)],
            "outputs": target,
        }
