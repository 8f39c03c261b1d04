"""The rules for products of two values that depend on the explained tensor: gates and attention."""

from collections.abc import Collection, Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.ir import GROUP, Value
from deepexplain_tf.rules.base import RULES, Point, gradient_at, stabilised_quotient, sum_to_shape
from deepexplain_tf.rules.relevance.base import EPSILON, RelevanceRule
from deepexplain_tf.rules.relevance.parameters import described, number

GATES = ("Sigmoid", "HardSigmoid")  # the latter is relu6(x + 3) · ⅙, as `_source` tells
ATTENTION = ("Softmax",)
SCALES = ("Rsqrt", "Sqrt", "Reciprocal")
# Ops between a gate and its product.
_BETWEEN = frozenset(
    ("Reshape", "Transpose", "Identity", "ExpandDims", "Squeeze", "BroadcastTo", "Cast", "Mul", "Tile")
)


@RULES.register("half")
def half(epsilon: float = EPSILON, *, but: Collection[str] = SCALES) -> RelevanceRule:
    """Returns the rule that gives each factor of a product half of the relevance, of each product in a sum its share.

    Conserves relevance up to ε.

    Args:
      epsilon: the stabilizer ε ≥ 0.
      but: op types; a factor that one of them computes (the scale of a normalisation, a gate) gets nothing, and the
        other factor all.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Achtibat et al., *AttnLRP*, ICML 2024, https://arxiv.org/abs/2402.05602.
    """
    epsilon = number("epsilon", epsilon, least=0)

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        if len(op.differentiable) == 1:
            return [sum_to_shape(relevance[0], point.inputs[op.differentiable[0]])]
        gradients = gradient_at(op, point, [stabilised_quotient(relevance[0], point.outputs[0], epsilon)])
        gates = [_source(op.node.inputs[position]) in but for position in op.differentiable]
        parts = [0.5, 0.5] if gates[0] == gates[-1] else [0.0 if gate else 1.0 for gate in gates]
        pairs = zip(op.differentiable, gradients, parts, strict=True)
        return [point.inputs[position] * g * tf.constant(part, g.dtype) for position, g, part in pairs]

    return RelevanceRule(described("half", epsilon, f"but={'/'.join(but) or None}"), flow)


@RULES.register("signal_take_all")
def signal_take_all(epsilon: float = EPSILON) -> RelevanceRule:
    """Returns the rule that gives all relevance of a product to the signal, and none to its gate.

    A gate is what a sigmoid, a softmax or the scale of a normalisation computes; where both factors are one, or none,
    each gets half. Conserves relevance up to ε.

    Args:
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Arras et al., *Explaining and Interpreting LSTMs*, 2019, https://arxiv.org/abs/1909.12114.
    """
    rule = half(epsilon, but=(*GATES, *ATTENTION, *SCALES))
    return RelevanceRule(described("signal_take_all", epsilon), rule.flow)


def _source(value: Value) -> str:
    """Returns the type of the op that computes a value, seen through reshapes and constant factors.

    A Relu6 with a factor is `"HardSigmoid"`: an activation has none.
    """
    node, scaled = value.node, False
    while node.type in _BETWEEN:
        scaled = scaled or node.type == "Mul"
        node = node.inputs[0].node if node.type != "Mul" or node.inputs[0].node.inputs else node.inputs[1].node
    if node.type == "Relu6" and scaled:
        return "HardSigmoid"
    if node.type == GROUP:  # such as a hard sigmoid, which has no op of its own
        return node.bodies["body"].outputs[0].node.type
    return node.type


@RULES.register("numerator")
def numerator() -> RelevanceRule:
    """Returns the rule that gives all relevance of a quotient to its numerator; the denominator counts as a scale.

    Conserves relevance.

    References:
      Achtibat et al., *AttnLRP*, ICML 2024, https://arxiv.org/abs/2402.05602 (normalisation).
    """

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        parts = {0: sum_to_shape(relevance[0], point.inputs[0]), 1: tf.zeros_like(point.inputs[1])}
        return [parts[position] for position in op.differentiable]

    return RelevanceRule("numerator()", flow)
