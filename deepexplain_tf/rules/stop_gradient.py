"""The rule for ops that stop the gradient."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, twin


@RULES.register("stop_gradient")
@twin
def stop_gradient(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Passes multipliers on unchanged, because the value of a StopGradient is its input. Exact."""
    del op, x, baseline
    return list(upstream)
