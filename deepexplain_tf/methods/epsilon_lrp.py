"""ε-LRP."""

import dataclasses
from typing import ClassVar

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.methods.base import METHODS, GradientMethod
from deepexplain_tf.rules.composites import Composite, epsilon_lrp


@METHODS.register("epsilon_lrp", aliases=("elrp", "e-lrp", "lrp"))
@dataclasses.dataclass(frozen=True)
class EpsilonLRP(GradientMethod):
    """x · ∂F/∂x in which each activation's derivative is f(z)/(z + ε·sign z), sign(0) = +1.

    That is ε-LRP (Ancona et al., Proposition 1), in units of the target. Activations are the usual ones and
    the functions spelled in several element-wise ops; softmax, normalisation, products of two active values
    and pooling keep their ordinary gradient, as `coverage` shows. On networks of ReLU it is gradient × input
    as ε → 0; where f(0) ≠ 0 (sigmoid, softplus) small z give large values, as the method has it.

    Attributes:
      epsilon: the stabilizer, > 0.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140. Ancona et al., ICLR 2018,
      https://arxiv.org/abs/1711.06104.
    """

    times_input: ClassVar[bool] = True
    graph_options: ClassVar[tuple[str, ...]] = ("epsilon",)
    epsilon: float = 1e-4

    def __post_init__(self) -> None:
        require(is_real(self.epsilon) and self.epsilon > 0, "epsilon", "a number > 0", self.epsilon)

    @property
    def composite(self) -> Composite:
        return epsilon_lrp(self.epsilon)
