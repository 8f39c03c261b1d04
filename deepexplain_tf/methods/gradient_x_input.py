"""Gradient × input."""

import dataclasses
from typing import ClassVar

from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.gradient_method import GradientMethod


@METHODS.register("gradient_x_input", aliases=("grad*input", "gradinput", "input_x_gradient"))
@dataclasses.dataclass(frozen=True)
class GradientXInput(GradientMethod):
    """x · ∂F/∂x, in units of the target.

    On a linear model this is the exact contribution of each input, against a baseline of zeros.

    References:
      Shrikumar et al., *Not Just a Black Box*, 2016, https://arxiv.org/abs/1605.01713. Ancona et al., ICLR
      2018, https://arxiv.org/abs/1711.06104, Table 1.
    """

    times_input: ClassVar[bool] = True
