"""The rule for maxima: the winner takes all."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, gradient_at
from deepexplain_tf.rules.relevance.base import RelevanceRule


@RULES.register("winner")
def winner() -> RelevanceRule:
    """Returns the rule that gives all relevance of a maximum or minimum to the number that it is.

    For pooling and reductions; winners of equal size share as TensorFlow's gradient does. Conserves relevance.

    References:
      Bach et al., PLOS ONE 2015, https://doi.org/10.1371/journal.pone.0130140.
    """

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return gradient_at(op, point, relevance)

    return RelevanceRule("winner()", flow)
