"""The rule for sums: each summand gets its share."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, gradient_at, stabilised_quotient
from deepexplain_tf.rules.relevance.base import SUM, RelevanceRule
from deepexplain_tf.rules.relevance.parameters import described, number

# The mean or sum of the numbers of which an op takes the largest.
_SUMS = {"Max": "Sum", "MaxPool": "AvgPool", "MaxPool3D": "AvgPool3D", "Maximum": "AddV2"}


@RULES.register("proportion")
def proportion(epsilon: float = SUM) -> RelevanceRule:
    """Returns the rule x ⊙ Jᵀ (R / (y + ε·sign y)), with J the op's derivative.

    For residual sums, means, average pooling, scales and other linear ops without a kernel; constant summands absorb
    their share. At max pooling, all numbers of a window have their share, as if their mean were taken. Conserves
    relevance up to that and ε. At any other op that is not linear, it is gradient × input in proportion to the output.

    Args:
      epsilon: the stabilizer ε ≥ 0.

    Raises:
      OptionError: a stabilizer below 0.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140.
    """
    epsilon = number("epsilon", epsilon, least=0)

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        op, point = _summed(op, point)
        pairs = zip(relevance, point.outputs, strict=True)
        upstream = [stabilised_quotient(r, y, epsilon) if y.dtype.is_floating else r for r, y in pairs]
        gradients = gradient_at(op, point, upstream)
        return [point.inputs[position] * g for position, g in zip(op.differentiable, gradients, strict=True)]

    return RelevanceRule(described("proportion", epsilon), flow)


def _summed(op: Op, point: Point) -> tuple[Op, Point]:
    """Returns the mean or sum in place of a maximum, and its values; another op as it is."""
    if not op.node.is_plain(*_SUMS) or len(op.differentiable) < op.type.count("Maximum") * 2:
        return op, point
    attrs = {key: value for key, value in op.node.attrs.items() if key != "explicit_paddings"}
    summed = dataclasses.replace(op, node=dataclasses.replace(op.node, type=_SUMS[op.type], attrs=attrs))
    return summed, Point(point.inputs, tuple(summed.outputs(point.inputs)))
