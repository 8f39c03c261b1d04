"""What adaptive integration asks of the model: the target and its gradient at single points of paths."""

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
    """F and (x − x₀)·∂F/∂x at x₀ + α(x − x₀), for an α of each example."""

    uses_baseline: ClassVar[bool] = True
    repeats: ClassVar[bool] = True

    def sampler(self, evaluate: Evaluate) -> Callable[[np.ndarray, np.ndarray], Samples]:
        """Returns a function `(example numbers [rows], α [rows])` → what is known there."""

        def sample(rows: np.ndarray, alphas: np.ndarray) -> Samples:
            found = evaluate(self, rows, {"alpha": alphas})
            return Samples(found["outputs"].astype(np.float64), found["attributions"])

        return sample

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        simplified, _ = scope.simplified(composite, straight=False)
        alpha, baselines = data["alpha"], scope.expand_baseline(baseline)
        differences = [x - x0 for x0, x in zip(baselines, scope.explained, strict=True)]
        points = [
            # At the end exactly the example.
            tf.where(as_column(alpha == 1, x, tf.bool), x, x0 + as_column(alpha, x) * difference)
            for x0, x, difference in zip(baselines, scope.explained, differences, strict=True)
        ]
        target, gradients = simplified.gradient(points, composite)
        return {
            "attributions": [difference * g for difference, g in zip(differences, gradients, strict=True)],
            "outputs": target,
        }
