"""The deconvolutional network."""

import dataclasses

from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.gradient_method import GradientMethod
from deepexplain_tf.rules.composites import DECONVNET, Composite


@METHODS.register("deconvnet", aliases=("deconvolution",))
@dataclasses.dataclass(frozen=True)
class DeconvNet(GradientMethod):
    """∂F/∂x where each rectifier passes on max(upstream, 0) instead of its gradient.

    In units of the target per unit of the input; not complete. Rectifiers are ReLU and ReLU6; every other op keeps its
    ordinary gradient. On photos the result hardly depends on what the last layers have learned: where the last one is
    randomised, its ranks correlate by 1.00 with those before (`examples/sanity.py`).

    References:
      Zeiler, Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014,
      https://arxiv.org/abs/1311.2901.
    """

    @property
    def insensitive(self) -> bool:
        return True

    @property
    def override_map(self) -> Composite:
        return DECONVNET
