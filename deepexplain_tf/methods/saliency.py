"""Saliency: the gradient."""

from collections.abc import Sequence
import dataclasses
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.arguments.options import require_bool
from deepexplain_tf.methods.base import METHODS, Result, TensorData
from deepexplain_tf.methods.gradient_method import GradientMethod
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("saliency", aliases=("gradient",))
@dataclasses.dataclass(frozen=True)
class Saliency(GradientMethod):
    """|∂F/∂x|, or ∂F/∂x itself with `signed=True`.

    In units of the target per unit of the input; not complete. It shows how sensitive the target is to each input at
    x, not how much each input contributes to the target.

    Attributes:
      signed: whether the attributions keep the sign of the gradient.

    References:
      Simonyan, Vedaldi, Zisserman, *Deep Inside Convolutional Networks*, ICLR 2014 workshop,
      https://arxiv.org/abs/1312.6034.
    """

    graph_options: ClassVar[tuple[str, ...]] = ("signed",)
    signed: bool = False

    def __post_init__(self) -> None:
        require_bool("signed", self.signed)

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        result = super().attribute(scope, baseline, data, composite, chunks)
        if not self.signed:
            result["attributions"] = [tf.abs(gradient) for gradient in result["attributions"]]
        return result
