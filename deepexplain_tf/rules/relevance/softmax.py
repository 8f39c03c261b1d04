"""The rule for softmax in attention."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point
from deepexplain_tf.rules.relevance.base import RelevanceRule


@RULES.register("softmax_taylor")
def softmax_taylor() -> RelevanceRule:
    """Returns the rule x ⊙ (R − p · Σ R) for p = softmax(x): softmax to first order, whose bias absorbs the rest.

    Masked logits, so low that their p is 0, get nothing.

    References:
      Achtibat et al., *AttnLRP*, ICML 2024, https://arxiv.org/abs/2402.05602, equation 13.
    """

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        del op
        x, p, r = point.inputs[0], point.outputs[0], relevance[0]
        found = x * (r - p * tf.reduce_sum(r, -1, keepdims=True))
        return [tf.where(p > 0, found, tf.zeros_like(found))]

    return RelevanceRule("softmax_taylor()", flow)
