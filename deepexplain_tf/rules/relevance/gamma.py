"""LRP-γ, for signed values."""

import tensorflow as tf

from deepexplain_tf.rules.base import RULES, stabilised_quotient
from deepexplain_tf.rules.relevance.base import (
    EPSILON,
    Contributions,
    Layer,
    RelevanceRule,
    negative,
    of_layers,
    positive,
    where_needed,
)
from deepexplain_tf.rules.relevance.parameters import described, number


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
        # With z⁺ the positive contributions, the strengthened sums are z + γz⁺ and z + γ(z − z⁺).
        up, down = layer.parts
        rising, falling = positive(layer.kernel), negative(layer.kernel)
        above = Contributions.of(layer, [(up, rising, positive(layer.bias)), (down, falling, None)]).z
        strong = tf.where(layer.z > 0, layer.z + gamma * above, (1 + gamma) * layer.z - gamma * above)
        s = tf.where(layer.z != 0, stabilised_quotient(relevance, strong, epsilon), 0)

        def handed(s: tf.Tensor, *parts: tf.Tensor) -> tf.Tensor:
            return layer.handed(s, list(zip((up, down), (layer.kernel + gamma * part for part in parts), strict=True)))

        to_positive = handed(tf.where(layer.z > 0, s, 0), rising, falling)
        rest = tf.where(layer.z <= 0, s, 0)  # behind a rectifier there is none
        return to_positive + where_needed(rest, lambda rest: handed(rest, falling, rising), to_positive)

    return of_layers(described("gamma", gamma, epsilon=(epsilon, EPSILON)), flow)
