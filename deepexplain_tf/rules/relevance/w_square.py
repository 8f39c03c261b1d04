"""The w² rule."""

import tensorflow as tf

from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import ONE_SIGN, Layer, RelevanceRule, of_layers, shares
from deepexplain_tf.rules.relevance.parameters import described, number


@RULES.register("w_square")
def w_square(epsilon: float = ONE_SIGN) -> RelevanceRule:
    """Returns the rule that shares relevance by the squares of the weights, whatever the input.

    Shares are K² / (Σ K² + b²); an input of 0 gets relevance too. Conserves relevance up to what the bias absorbs.

    Args:
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Montavon et al., *Deep Taylor Decomposition*, Pattern Recognition 2017,
      https://doi.org/10.1016/j.patcog.2016.11.008.
    """
    epsilon = number("epsilon", epsilon, least=0)

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        bias = None if layer.bias is None else layer.bias**2
        return shares(layer, relevance, [(tf.ones_like(layer.x), layer.kernel**2, bias)], epsilon)

    return of_layers(described("w_square", epsilon=(epsilon, ONE_SIGN)), flow)
