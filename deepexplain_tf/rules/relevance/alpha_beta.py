"""LRP-αβ, and z⁺, which is α = 1 and β = 0."""

import tensorflow as tf

from deepexplain_tf.errors import OptionError
from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import (
    EPSILON,
    Layer,
    RelevanceRule,
    negative,
    of_layers,
    positive,
    shares,
)
from deepexplain_tf.rules.relevance.parameters import number


@RULES.register("alpha_beta")
def alpha_beta(alpha: float = 2.0, beta: float = 1.0, epsilon: float = EPSILON, *, bias: bool = True) -> RelevanceRule:
    """Returns the rule α · shares of the positive contributions − β · shares of the negative ones.

    Positive contributions are x⁺K⁺ + x⁻K⁻ and b⁺, negative ones x⁺K⁻ + x⁻K⁺ and b⁻. Conserves relevance up to what
    the bias and ε absorb, where an output has contributions of both signs.

    Args:
      alpha: α ≥ 1.
      beta: β = α − 1.
      epsilon: the stabilizer ε ≥ 0.
      bias: whether the bias takes its share.

    Raises:
      OptionError: α − β is not 1, or a number is below its least value.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140, equation 60.
    """
    alpha, beta = number("alpha", alpha, least=1), number("beta", beta, least=0)
    epsilon = number("epsilon", epsilon, least=0)
    if abs(alpha - beta - 1) > 1e-9:
        raise OptionError(f"alpha − beta must be 1. Got alpha={alpha:g} and beta={beta:g}.")

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        up, down = layer.parts
        more, less = ((part(layer.kernel), part(layer.bias) if bias else None) for part in (positive, negative))
        found = alpha * shares(layer, relevance, [(up, *more), (down, less[0], None)], epsilon)
        if beta:
            found -= beta * shares(layer, relevance, [(up, *less), (down, more[0], None)], epsilon)
        return found

    without = "" if bias else ", bias=False"
    return of_layers(f"alpha_beta({alpha:g}, {beta:g}{without})" if beta else f"z_plus({without[2:]})", flow)


@RULES.register("z_plus")
def z_plus(epsilon: float = EPSILON, *, bias: bool = True) -> RelevanceRule:
    """Returns the rule of shares of the positive contributions, x⁺K⁺ + x⁻K⁻ and b⁺.

    Conserves relevance up to what the bias and ε absorb, where an output has a positive contribution.

    Args:
      epsilon: the stabilizer ε ≥ 0.
      bias: whether the bias takes its share; without it this is excitation backprop.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Montavon et al., *Deep Taylor Decomposition*, Pattern Recognition 2017,
      https://doi.org/10.1016/j.patcog.2016.11.008. Zhang et al., ECCV 2016, https://arxiv.org/abs/1608.00507
      (excitation backprop).
    """
    return alpha_beta(1, 0, epsilon, bias=bias)
