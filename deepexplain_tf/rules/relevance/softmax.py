"""The rule for softmax in attention."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point
from deepexplain_tf.rules.relevance.base import RelevanceRule


@RULES.register("softmax_taylor")
def softmax_taylor(*, bias: bool = True) -> RelevanceRule:
    """Returns the rule x ⊙ (R − p · Σ R) for p = softmax(x): softmax to first order, with a bias that absorbs the rest.

    Masked logits, so low that their p is 0, get nothing. Conserves relevance only without that bias.

    Args:
      bias: whether that bias keeps its share, as published. Else the logits get it in proportion to |x|.

    References:
      Achtibat et al., *AttnLRP*, ICML 2024, https://arxiv.org/abs/2402.05602, proposition 3.1.
    """

    def flow(op: Op, point: Point, relevance: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        del op
        p, total = point.outputs[0], tf.reduce_sum(relevance[0], -1, keepdims=True)
        x = tf.where(p > 0, point.inputs[0], tf.zeros_like(p))
        found = x * (relevance[0] - p * total)
        if not bias:
            missing, size = total - tf.reduce_sum(found, -1, keepdims=True), tf.abs(x)
            found += missing * tf.math.divide_no_nan(size, tf.reduce_sum(size, -1, keepdims=True))
        return [found]

    return RelevanceRule(f"softmax_taylor({'' if bias else 'bias=False'})", flow)
