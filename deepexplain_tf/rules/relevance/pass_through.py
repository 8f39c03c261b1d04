"""The rule that passes relevance on unchanged."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.errors import OptionError
from deepexplain_tf.graph.emit import Op
from deepexplain_tf.graph.ir import LAYER
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape
from deepexplain_tf.rules.relevance.base import RelevanceRule


@RULES.register("pass_through")
def pass_through() -> RelevanceRule:
    """Returns the rule R_in = R_out, for functions of one number and for layers with as many inputs as outputs.

    Conserves relevance.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140.
    """

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        (position,) = op.differentiable
        before, after = op.node.inputs[position].shape, op.node.output().shape
        if op.type == LAYER and not before.is_compatible_with(after):
            came = f"{list(before)} and {list(after)} at {op.node.attrs['path']!r}"
            raise OptionError(f"pass_through() is for layers with as many inputs as outputs. Got {came}.")
        return [sum_to_shape(relevance[0], point.inputs[position])]

    return RelevanceRule("pass_through()", flow)
