"""ε-LRP."""

import dataclasses
from typing import ClassVar

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.gradient_method import GradientMethod
from deepexplain_tf.rules.composites import Composite, epsilon_lrp


@METHODS.register("epsilon_lrp", aliases=("elrp", "e-lrp"))
@dataclasses.dataclass(frozen=True)
class EpsilonLRP(GradientMethod):
    """x · ∂F/∂x where f(z)/(z + ε·sign z), with sign(0) = +1, replaces the derivative of each activation f.

    In units of the target; equal to ε-LRP (Ancona et al., Proposition 1). Activations include functions that a model
    computes by several element-wise ops; softmax, normalisation, products of two active values and pooling keep their
    ordinary gradient, as `coverage` shows. On ReLU networks the attributions tend to gradient × input as ε → 0. By the
    definition, small z give large values where f(0) ≠ 0 (sigmoid, softplus).

    Attributes:
      epsilon: the stabilizer, > 0.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140. Ancona et al., ICLR 2018,
      https://arxiv.org/abs/1711.06104.
    """

    times_input: ClassVar[bool] = True
    remedy: ClassVar[str] = (
        "f(z)/(z + ε·sign z) is large for a z near 0, as in gates; a larger epsilon helps, or deeplift"
    )
    graph_options: ClassVar[tuple[str, ...]] = ("epsilon",)
    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        require(is_real(self.epsilon) and self.epsilon > 0, "epsilon", "a number > 0", self.epsilon)

    @property
    def override_map(self) -> Composite:
        return epsilon_lrp(self.epsilon)
