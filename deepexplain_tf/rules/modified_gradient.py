"""The rule of ε-LRP: the quotient of output and input in place of a nonlinearity's derivative."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op, SingleRule
from deepexplain_tf.rules.base import RULES, Point, single, stabilised_quotient, stabilizer, sum_to_shape


@RULES.register("modified_gradient")
def modified_gradient(epsilon: float) -> SingleRule:
    """Returns the rule f(z) / (z + ε·sign z), sign(0) = +1, in place of the derivative f'(z).

    For activations of one active input. Input × the modified gradient is the relevance of ε-LRP (Ancona et al.,
    Proposition 1).

    Args:
      epsilon: the stabilizer ε; values below the smallest normal number of the dtype act like that number.

    References:
      Bach et al., *On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance
      Propagation*, PLOS ONE 2015. Ancona et al., ICLR 2018, https://arxiv.org/abs/1711.06104.
    """

    def gradient(op: Op, x: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        (position,) = op.active
        operand = x.inputs[position]
        if op.node.type == "Relu":  # f(z) is z, or 0 whatever the denominator: fewer passes over the numbers
            (output,) = x.outputs
            return [upstream[0] * (output / (output + stabilizer(epsilon, output.dtype)))]
        quotient = stabilised_quotient(x.outputs[0], operand, epsilon)
        return [sum_to_shape(upstream[0] * quotient, operand)]

    return single(gradient)
