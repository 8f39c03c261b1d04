"""Gradient × input."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.objective import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("gradient_x_input", aliases=("grad*input", "gradinput", "input_x_gradient"))
@dataclasses.dataclass(frozen=True)
class GradientXInput(Method):
    """x · ∂F/∂x, in units of the target.

    On a linear model with zero baseline it is the exact contribution of each input.

    References:
      Shrikumar et al., *Not Just a Black Box*, 2016, https://arxiv.org/abs/1605.01713. Ancona et al., ICLR
      2018, https://arxiv.org/abs/1711.06104, Table 1.
    """

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        target, gradients = scope.gradient(scope.explained, composite)
        products = [x * gradient for x, gradient in zip(scope.explained, gradients, strict=True)]
        return {"attributions": products, "outputs": target}
