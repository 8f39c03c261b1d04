"""Methods that are one gradient under rules."""

from collections.abc import Sequence
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.methods.base import Method, Result, TensorData
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


class GradientMethod(Method):
    """A method that is one gradient under the rules of `override_map`.

    Attributes:
      times_input: whether the gradient is multiplied by the input.
    """

    times_input: ClassVar[bool] = False

    @property
    def per_unit(self) -> bool:
        return not self.times_input

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        target, gradients = scope.gradient(scope.explained, composite)
        if self.times_input:
            gradients = [x * gradient for x, gradient in zip(scope.explained, gradients, strict=True)]
        return {"attributions": gradients, "outputs": target}
