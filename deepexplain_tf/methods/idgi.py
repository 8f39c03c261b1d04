"""Important Direction Gradient Integration."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_between
from deepexplain_tf.methods.along_path import AlongPath
from deepexplain_tf.methods.base import METHODS, Data, Evaluate, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, Tensors, sum_terms, weighted, wide_dtype
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import join_rows, split_rows
from deepexplain_tf.paths.quadrature import MAX_STEPS
from deepexplain_tf.rules.composites import Composite


@METHODS.register("idgi")
@dataclasses.dataclass(frozen=True)
class IDGI(AlongPath):
    """Σⱼ gⱼ² / Σ gⱼ² · (F(xⱼ₊₁) − F(xⱼ)) at the points xⱼ = γ(j / n_steps) of a path, where gⱼ = ∂F/∂x (xⱼ).

    The change of F in each step goes to the features by the squares of their gradients, as if the step were one along
    the gradient: what else moves on the path counts as noise. So features count by their gradients, not by how far they
    move, and all of a step have the sign of its change; on a linear model wᵢ² / Σ w² is the share of i. The sums run
    over all explained tensors. In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), for any
    number of steps, since the changes of the steps add up. A step that begins where the gradient is 0 has no direction
    and adds nothing: what F changes along it is missing, and `completeness_gap` shows that.

    The path is the straight line from the baseline, or `path`. An evaluation is a gradient and a value.

    Attributes:
      n_steps: steps along the path, 1 … 100,000; default 64.
      path: see `AlongPath`.

    References:
      Yang, Wang, Bilgic, *IDGI: A Framework to Eliminate Explanation Noise from Integrated Gradients*, CVPR 2023,
      https://arxiv.org/abs/2303.14242.
    """

    repeats: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    remedy: ClassVar[str] = "a step from where the gradient is 0 adds nothing: more n_steps, or another baseline, help"
    n_steps: int = 64

    def __post_init__(self) -> None:
        self.require_path()
        require_between("n_steps", 1, MAX_STEPS, self.n_steps)

    @property
    def evaluations(self) -> int:
        return self.n_steps

    def data(self, layout: Layout) -> Data:
        del layout
        return {"steps": np.int32(self.n_steps)}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return {**super().run(evaluate, count), "n_steps": self.n_steps}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        curves = self.curves(scope, baseline, data, composite)
        wide = wide_dtype(*scope.explained)

        def alpha(point: tf.Tensor) -> tf.Tensor:
            return tf.cast(point, wide) / tf.cast(data["steps"], wide)

        def terms(example: tf.Tensor, step: tf.Tensor) -> Tensors:
            before, gradients = curves.gradient(example, alpha(step))
            with tf.control_dependencies(gradients):  # one after the other, in the memory of a gradient
                change = tf.cast(curves.value(example, alpha(step + 1)), wide) - tf.cast(before, wide)
            return weighted(change, _shares(gradients, wide))

        sums = sum_terms(Evaluations(data["steps"], data["count"], chunks), scope.explained, terms)
        outputs, baseline_outputs = curves.values_at_ends(sums, data["count"], chunks)
        return {"attributions": sums, "outputs": outputs, "baseline_outputs": baseline_outputs}


def _shares(gradients: Tensors, dtype: tf.DType) -> list[tf.Tensor]:
    """Returns g² / Σ g² `[rows, ...]`, where the sum runs over all tensors; 0 where all are 0."""
    joined = join_rows(gradients, dtype)
    # In units of the largest gradient no square overflows, and not all vanish.
    largest = tf.stop_gradient(tf.reduce_max(tf.abs(joined), 1, keepdims=True))
    squares = tf.math.divide_no_nan(joined, largest) ** 2
    return split_rows(tf.math.divide_no_nan(squares, tf.reduce_sum(squares, 1, keepdims=True)), gradients)
