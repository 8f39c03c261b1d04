"""LRP-γ, for signed values."""

import tensorflow as tf

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


@RULES.register("gamma")
def gamma(gamma: float = 0.25, epsilon: float = EPSILON) -> RelevanceRule:
    """Returns the rule that strengthens by γ the contributions of the output's sign.

    Where z > 0, contributions are x⁺(K + γK⁺) + x⁻(K + γK⁻) and b + γb⁺; where z < 0, x⁺(K + γK⁻) + x⁻(K + γK⁺) and
    b + γb⁻. For x ≥ 0 and z > 0 that is x(K + γK⁺), the rule of Montavon et al. Conserves relevance up to what the
    bias and ε absorb; γ = 0 is `epsilon`.

    Args:
      gamma: γ ≥ 0.
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a number below 0.

    References:
      Montavon et al., *Layer-Wise Relevance Propagation: An Overview*, 2019,
      https://doi.org/10.1007/978-3-030-28954-6_10. Andéol et al., 2021, https://arxiv.org/abs/2106.13799 (signed).
    """
    gamma, epsilon = number("gamma", gamma, least=0), number("epsilon", epsilon, least=0)

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        up, down = layer.parts
        zeros, total = tf.zeros_like(relevance), []
        for sign, part, other in ((layer.z > 0, positive, negative), (layer.z < 0, negative, positive)):
            bias = None if layer.bias is None else layer.bias + gamma * part(layer.bias)
            terms = [
                (up, layer.kernel + gamma * part(layer.kernel), bias),
                (down, layer.kernel + gamma * other(layer.kernel), None),
            ]
            total.append(shares(layer, tf.where(sign, relevance, zeros), terms, epsilon))
        return total[0] + total[1]

    return of_layers(f"gamma({gamma:g})", flow)
