"""The rule of absolute magnitudes, at layers and at sums."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.ir import LAYER
from deepexplain_tf.rules.base import RULES, Point, ordinary_gradient, stabilised_quotient
from deepexplain_tf.rules.relevance.base import ONE_SIGN, Layer, RelevanceRule, shares
from deepexplain_tf.rules.relevance.parameters import described, number
from deepexplain_tf.rules.relevance.proportion import proportion

# Sums and means, whose weights are never negative but for the subtrahend's.
_SUMS = ("Add", "AddN", "AddV2", "AvgPool", "AvgPool3D", "BiasAdd", "Mean", "Sub", "Sum")


@RULES.register("absolute")
def absolute(epsilon: float = ONE_SIGN) -> RelevanceRule:
    """Returns the rule |x| ⊙ |K|ᵀ (R / (|K|·|x| + |b| + ε)): shares by the size of a contribution, whatever its sign.

    A sum or mean gives to each summand by its size, so that relevance stays bounded where summands nearly cancel, as in
    x − mean(x). Where an op is neither a layer nor a sum, it is `proportion`. Conserves relevance up to what the bias
    and ε absorb.

    Args:
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Vukadin, Afrić, Šilić, Delač, *Advancing Attribution-Based Neural Network Explainability through Relative Absolute
      Magnitude Layer-Wise Relevance Propagation and Multi-Component Evaluation*, 2024,
      https://arxiv.org/abs/2412.09311.
    """
    epsilon = number("epsilon", epsilon, least=0)
    otherwise = proportion(epsilon)

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> Sequence[tf.Tensor]:
        if op.type == LAYER:
            layer = Layer.of(op, point)
            terms = [(abs(layer.x), abs(layer.kernel), None if layer.bias is None else abs(layer.bias))]
            return [shares(layer, relevance[0], terms, epsilon)]
        if not op.node.is_plain(*_SUMS):
            return otherwise.flow(op, point, relevance)
        summed = dataclasses.replace(op, node=dataclasses.replace(op.node, type=op.type.replace("Sub", "AddV2")))
        sizes = [abs(tensor) if tensor.dtype.is_floating else tensor for tensor in point.inputs]
        s = stabilised_quotient(relevance[0], summed.outputs(sizes)[0], epsilon)
        gradients = ordinary_gradient(summed, sizes, [s])
        return [sizes[position] * g for position, g in zip(op.differentiable, gradients, strict=True)]

    return RelevanceRule(described("absolute", epsilon=(epsilon, ONE_SIGN)), flow)
