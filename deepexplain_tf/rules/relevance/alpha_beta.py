"""LRP-αβ, and z⁺, which is α = 1 and β = 0."""

import tensorflow as tf

from deepexplain_tf.errors import OptionError
from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import (
    ONE_SIGN,
    Contributions,
    Layer,
    RelevanceRule,
    negative,
    of_layers,
    positive,
    shares,
    where_needed,
)
from deepexplain_tf.rules.relevance.parameters import described, number


@RULES.register("alpha_beta")
def alpha_beta(alpha: float = 2.0, beta: float = 1.0, epsilon: float = ONE_SIGN, *, bias: bool = True) -> RelevanceRule:
    """Returns the rule α · shares of the positive contributions − β · shares of the negative ones.

    Positive contributions are x⁺K⁺ + x⁻K⁻ and b⁺, negative ones x⁺K⁻ + x⁻K⁺ and b⁻. Where an output has those of one
    sign only, these share its relevance. Conserves relevance up to what the bias and ε absorb.

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
        above = Contributions.of(layer, [(up, *more), (down, less[0], None)])
        if not beta:
            return _all_to(above, layer, relevance, epsilon, bias=bias)
        below = Contributions.of(layer, [(up, *less), (down, more[0], None)])
        to_below = tf.where(above.z == 0, relevance, tf.where(below.z != 0, -beta * relevance, 0))
        return above.share(relevance - to_below, epsilon) + below.share(to_below, epsilon)

    named = ("alpha_beta", alpha, beta) if beta else ("z_plus",)
    return of_layers(described(*named, "" if bias else "bias=False", epsilon=(epsilon, ONE_SIGN)), flow)


def _all_to(above: Contributions, layer: Layer, relevance: tf.Tensor, epsilon: float, *, bias: bool) -> tf.Tensor:
    """Returns the shares of the positive contributions; where there is none, those of all, which are not positive."""
    shared = above.share(tf.where(above.z != 0, relevance, 0), epsilon)

    def below(rest: tf.Tensor) -> tf.Tensor:
        return shares(layer, rest, [(layer.x, layer.kernel, layer.bias if bias else None)], epsilon)

    return shared + where_needed(tf.where(above.z == 0, relevance, 0), below, shared)


@RULES.register("z_plus")
def z_plus(epsilon: float = ONE_SIGN, *, bias: bool = True) -> RelevanceRule:
    """Returns the rule of shares of the positive contributions, x⁺K⁺ + x⁻K⁻ and b⁺.

    Where an output has none, as only nets without rectifiers have it with relevance, its contributions share. Conserves
    relevance up to what the bias and ε absorb.

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
