"""The rules for Softmax, LogSoftmax and cross-entropies, in log space and exact for logits of any size."""

from collections.abc import Sequence

import tensorflow as tf

from deepexplain_tf.graph.emit import Op
from deepexplain_tf.rules.base import RULES, Point, average, sum_to_shape, twin


@RULES.register("softmax")
@twin
def softmax(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δy = L(y, y₀)·(Δz − ΔLSE) and ΔLSE = Σ w·Δz, w = L(e^z, e^z₀) / L(S, S₀), S = Σ e^z.

    L(a, b) = (a − b) / (log a − log b) is the logarithmic mean, LSE = log S, and the logits z lie on the last axis.
    Exact; computed from logarithms, so that S and S₀ may be of any size.
    """
    del op
    scale, weights = _means(x.inputs[0], baseline.inputs[0])
    return [sum_to_shape(_normalised(upstream[0] * scale, weights), x.inputs[0])]


@RULES.register("log_softmax")
@twin
def log_softmax(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Δy = Δz − ΔLSE, with ΔLSE as in the Softmax rule. Exact."""
    del op
    _, weights = _means(x.inputs[0], baseline.inputs[0])
    return [sum_to_shape(_normalised(upstream[0], weights), x.inputs[0])]


@RULES.register("cross_entropy")
@twin
def cross_entropy(op: Op, x: Point, baseline: Point, upstream: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """−Σ p·log y with y = softmax(z) as a product of p and log y; the second output, y − p, by the Softmax rule.

    For SoftmaxCrossEntropyWithLogits and its sparse form, whose p is 1 at the label and 0 elsewhere. Exact.
    """
    logits, logits0 = x.inputs[0], baseline.inputs[0]
    scale, weights = _means(logits, logits0)
    labels, labels0 = (point.inputs[1] for point in (x, baseline))
    if op.type.startswith("Sparse"):
        labels = labels0 = tf.one_hot(labels, tf.shape(logits)[-1], dtype=logits.dtype)
    loss = upstream[0][:, None]
    log_softmaxes = tf.nn.log_softmax(logits), tf.nn.log_softmax(logits0)
    multipliers = {
        0: _normalised(upstream[1] * scale - loss * average(labels, labels0), weights),
        1: -upstream[1] - loss * average(*log_softmaxes),
    }
    return [sum_to_shape(multipliers[position], x.inputs[position]) for position in op.differentiable]


def _normalised(upstream: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Returns the multipliers of Δz, from those of Δz − ΔLSE."""
    return upstream - weights * tf.reduce_sum(upstream, -1, keepdims=True)


def _means(z: tf.Tensor, z0: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns L(y, y₀) and the weights L(e^z, e^z₀) / L(S, S₀) of ΔLSE."""
    total, total0 = (tf.reduce_logsumexp(logits, -1, keepdims=True) for logits in (z, z0))
    scale = tf.exp(_log_mean(z - total, z0 - total0))
    weights = tf.exp(_log_mean(z, z0) - _log_mean(total, total0))
    return scale, weights


def _log_mean(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Returns log L(e^a, e^b) = max(a, b) + log((1 − e^−d) / d), d = |a − b|; the logarithm tends to 0 with d."""
    distance = tf.where(a == b, tf.zeros_like(a - b), tf.abs(a - b))
    apart = distance > 0
    safe = tf.where(apart, distance, tf.ones_like(distance))
    shrink = tf.where(apart, tf.math.log(-tf.math.expm1(-safe) / safe), tf.zeros_like(distance))
    return tf.maximum(a, b) + shrink
