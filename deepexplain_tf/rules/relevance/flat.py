"""The flat rule."""

import tensorflow as tf

from deepexplain_tf.rules.base import RULES
from deepexplain_tf.rules.relevance.base import ONE_SIGN, Layer, RelevanceRule, of_layers, shares
from deepexplain_tf.rules.relevance.parameters import described, number


@RULES.register("flat")
def flat(epsilon: float = ONE_SIGN) -> RelevanceRule:
    """Returns the rule that shares relevance equally among all inputs that an output reads, whatever their values.

    An input of 0 gets relevance too, and the bias none. Conserves relevance.

    Args:
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Lapuschkin et al., *Unmasking Clever Hans predictors*, Nature Communications 2019,
      https://doi.org/10.1038/s41467-019-08987-4.
    """
    epsilon = number("epsilon", epsilon, least=0)

    def flow(layer: Layer, relevance: tf.Tensor) -> tf.Tensor:
        return shares(layer, relevance, [(tf.ones_like(layer.x), tf.ones_like(layer.kernel), None)], epsilon)

    return of_layers(described("flat", epsilon=(epsilon, ONE_SIGN)), flow)
