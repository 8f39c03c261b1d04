"""The rule of the deconvolutional network for rectifiers."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, single


@RULES.register("deconvnet")
@single
def deconvnet(op: Op, x: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """max(upstream, 0), whatever the input of the rectifier.

    References:
      Zeiler, Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014,
      https://arxiv.org/abs/1311.2901.
    """
    del op, x
    return [tf.nn.relu(upstream[0])]
