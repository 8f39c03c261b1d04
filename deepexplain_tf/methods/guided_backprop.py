"""Guided backpropagation."""

import dataclasses

from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.gradient_method import GradientMethod
from deepexplain_tf.rules.composites import GUIDED, Composite


@METHODS.register("guided_backprop", aliases=("guided",))
@dataclasses.dataclass(frozen=True)
class GuidedBackprop(GradientMethod):
    """∂F/∂x where each rectifier f passes on f'(z)·max(upstream, 0) instead of its gradient.

    In units of the target per unit of the input; not complete. Rectifiers are ReLU and ReLU6; every other op keeps its
    ordinary gradient. The result hardly depends on what the last layers have learned (Adebayo et al. 2018,
    https://arxiv.org/abs/1810.03292): where the last one is randomised, its ranks correlate by 1.00 with those before
    (`examples/sanity.py`). A picture, not a measurement.

    References:
      Springenberg et al., *Striving for Simplicity: The All Convolutional Net*, ICLR 2015 workshop,
      https://arxiv.org/abs/1412.6806.
    """

    @property
    def insensitive(self) -> bool:
        return True

    @property
    def override_map(self) -> Composite:
        return GUIDED
