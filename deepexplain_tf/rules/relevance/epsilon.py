"""LRP-ε at layers."""

import tensorflow as tf

from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import EPSILON, Layer, RelevanceRule, of_layers, shares
from deepexplain_tf.rules.relevance.parameters import described, number


@RULES.register("epsilon")
def epsilon(epsilon: float = EPSILON, *, bias: bool = True) -> RelevanceRule:
    """Returns the rule x ⊙ Kᵀ (R / (z + ε·sign z)) with z = K·x + b and sign(0) = +1.

    Conserves relevance up to what the bias and ε absorb.

    Args:
      epsilon: the stabilizer ε ≥ 0.
      bias: whether the bias takes its share; else z = K·x.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140, equation 58.
    """
    epsilon = number("epsilon", epsilon, least=0)

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        return shares(layer, relevance, [(layer.x, layer.kernel, layer.bias if bias else None)], epsilon)

    return of_layers(described("epsilon", epsilon, "" if bias else "bias=False"), flow)
