"""The deconvolutional network."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.objective import Scope
from deepexplain_tf.rules.composites import DECONVNET, Composite


@METHODS.register("deconvnet", aliases=("deconvolution",))
@dataclasses.dataclass(frozen=True)
class DeconvNet(Method):
    """∂F/∂x in which each rectifier passes on max(upstream, 0): the modified gradient itself.

    For ReLU and ReLU6; every other op keeps its ordinary gradient.

    References:
      Zeiler, Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014,
      https://arxiv.org/abs/1311.2901.
    """

    @property
    def composite(self) -> Composite:
        return DECONVNET

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
