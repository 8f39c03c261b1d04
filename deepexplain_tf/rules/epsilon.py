"""ε-LRP as a gradient: each nonlinearity's derivative replaced by its quotient."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op, SingleRule
from deepexplain_tf.rules.base import RULES, Point, single, stabilised_quotient, sum_to_shape


@RULES.register("epsilon")
def epsilon(epsilon: float) -> SingleRule:
    """Makes the rule f(z) / (z + ε·sign z), sign(0) = +1, for the activations.

    With it, input × modified gradient is the relevance that ε-LRP redistributes (Ancona et al., Prop. 1).

    References:
      Bach et al., *On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
      Propagation*, PLOS ONE 2015. Ancona et al., ICLR 2018, https://arxiv.org/abs/1711.06104.
    """

    def gradient(op: Op, x: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        (position,) = op.active
        operand = x.inputs[position]
        quotient = stabilised_quotient(x.outputs[0], operand, epsilon)
        return [sum_to_shape(upstream[0] * quotient, operand)]

    return single(gradient)
