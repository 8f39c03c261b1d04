"""Softmax and LogSoftmax in log space, exact for logits of any size."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, sum_to_shape, twin


@RULES.register("softmax")
@twin
def softmax(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δy = L(y, y₀)·(Δz − ΔLSE) and ΔLSE = Σ w·Δz, w = L(e^z, e^z₀) / L(S, S₀), S = Σ e^z.

    L(a, b) = (a − b) / (log a − log b) is the logarithmic mean; the logits z lie on the last axis. Exact,
    and computed from logarithms, so that sums at the two points may be any distance apart.
    """
    del op
    scale, weights = _means(x.inputs[0], baseline.inputs[0])
    scaled = upstream[0] * scale
    return [sum_to_shape(scaled - weights * tf.reduce_sum(scaled, -1, keepdims=True), x.inputs[0])]


@RULES.register("log_softmax")
@twin
def log_softmax(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δy = Δz − ΔLSE, with ΔLSE as in the rule for Softmax. Exact."""
    del op
    _, weights = _means(x.inputs[0], baseline.inputs[0])
    summed = tf.reduce_sum(upstream[0], -1, keepdims=True)
    return [sum_to_shape(upstream[0] - weights * summed, x.inputs[0])]


def _means(z: tf.Tensor, z0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns L(y, y₀) and the weights L(e^z, e^z₀) / L(S, S₀) of ΔLSE."""
    total, total0 = (tf.reduce_logsumexp(logits, -1, keepdims=True) for logits in (z, z0))
    scale = tf.exp(_log_mean(z - total, z0 - total0))
    weights = tf.exp(_log_mean(z, z0) - _log_mean(total, total0))
    return scale, weights


def _log_mean(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns log L(e^a, e^b) = max(a, b) + log((1 − e^−d) / d), d = |a − b|, which tends to 0 with d."""
    distance = tf.where(a == b, tf.zeros_like(a - b), tf.abs(a - b))
    apart = distance > 0
    safe = tf.where(apart, distance, tf.ones_like(distance))
    shrink = tf.where(apart, tf.math.log(-tf.math.expm1(-safe) / safe), tf.zeros_like(distance))
    return tf.maximum(a, b) + shrink
