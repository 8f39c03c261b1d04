"""The rule of guided backpropagation for rectifiers."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, gradient_at, single


@RULES.register("guided")
@single
def guided(op: Op, x: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """f'(z)·max(upstream, 0): a negative upstream gradient is not passed on.

    References:
      Springenberg et al., *Striving for Simplicity: The All Convolutional Net*, ICLR 2015 workshop,
      https://arxiv.org/abs/1412.6806.
    """
    return gradient_at(op, x, [tf.nn.relu(upstream[0])])
