"""Guided backpropagation."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.objective import Scope
from deepexplain_tf.rules.composites import GUIDED, Composite


@METHODS.register("guided_backprop", aliases=("guided",))
@dataclasses.dataclass(frozen=True)
class GuidedBackprop(Method):
    """∂F/∂x in which each rectifier passes on f'(z)·max(upstream, 0): the modified gradient itself.

    For ReLU and ReLU6; every other op keeps its ordinary gradient. It is known to depend little on what
    the network has learned (Adebayo et al. 2018): a picture, not a measurement.

    References:
      Springenberg et al., *Striving for Simplicity: The All Convolutional Net*, ICLR 2015 workshop,
      https://arxiv.org/abs/1412.6806.
    """

    @property
    def composite(self) -> Composite:
        return GUIDED

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        target, gradients = scope.gradient(scope.explained, composite)
        return {"attributions": gradients, "outputs": target}
