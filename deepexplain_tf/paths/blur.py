"""The path of Gaussian blurs from an unsharp to the sharp example, and its derivative."""

from collections.abc import Sequence
import math

import tensorflow as tf

from deepexplain_tf.objective.evaluations import Tensors, wide_dtype
from deepexplain_tf.paths.curves import Curve

_LEAST = 4e-4  # variance below which a kernel is 1 at its centre, and 0 elsewhere in any dtype
_TERMS = 10  # of the sum of a narrow kernel


def blur_curve(variances: Sequence[tf.Tensor], axes: Sequence[Sequence[int]], *, sqrt: bool) -> Curve:
    """Returns the curve of blurred examples.

    The kernel is exp(−d²/2σ²) at whole distances d, over its sum on all of them; beyond its borders an example is 0.

    Args:
      variances: σ² at α = 0, `[axes but the batch]` for each explained tensor.
      axes: the axes to blur for each explained tensor, where 0 is the first after the batch.
      sqrt: whether σ falls like √(1 − α), so that the variance falls evenly; else σ falls evenly.
    """

    def curve(alpha: tf.Tensor, examples: Tensors, baselines: Tensors) -> tuple[Tensors, Tensors]:
        del baselines
        pairs = [_blurred(alpha, *of_x, sqrt=sqrt) for of_x in zip(examples, variances, axes, strict=True)]
        return [point for point, _ in pairs], [velocity for _, velocity in pairs]

    return curve


def _blurred(
    alpha: tf.Tensor, x: tf.Tensor, variances: tf.Tensor, axes: Sequence[int], *, sqrt: bool
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns blurred examples `[rows, ...]` and their derivative by α."""
    wide = wide_dtype(x)
    left, variances = 1 - tf.cast(alpha, wide), tf.cast(variances, wide)
    share, slope = (left, -tf.ones_like(left)) if sqrt else (left**2, -2 * left)
    point = tf.cast(x, wide)
    velocity = tf.zeros_like(point)
    for axis in axes:
        point, velocity = _blurred_along(point, velocity, axis + 1, variances[axis] * share, variances[axis] * slope)
    return tf.cast(point, x.dtype), tf.cast(velocity, x.dtype)


def _blurred_along(
    point: tf.Tensor, velocity: tf.Tensor, axis: int, variance: tf.Tensor, slope: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a tensor that moves, after a blur along one axis, and its new velocity: (Bp)′ = B′p + Bp′.

    A product of discrete Fourier transforms is the convolution: twice the length keeps one border from the other.
    """
    order = list(range(len(point.shape)))
    order[axis], order[-1] = order[-1], order[axis]
    length = point.shape[axis] or tf.unstack(tf.shape(point))[axis]
    size = [2 * length]
    kernel, change = _kernel(variance, length)
    transformed = [tf.signal.rfft(tf.transpose(tensor, order), size) for tensor in (point, velocity)]
    blur, rate = (_as_last(tf.signal.rfft(tensor), point) for tensor in (kernel, slope[:, tf.newaxis] * change))
    products = (transformed[0] * blur, transformed[0] * rate + transformed[1] * blur)
    moved = [tf.transpose(tf.signal.irfft(product, size)[..., :length], order) for product in products]
    for tensor in moved:
        tensor.set_shape(point.shape)
    return moved[0], moved[1]


def _as_last(kernel: tf.Tensor, operand: tf.Tensor) -> tf.Tensor:
    """Returns `[rows, length]` as `[rows, 1, …, 1, length]` in the rank of `operand`."""
    rows, length = tf.unstack(tf.shape(kernel))
    return tf.reshape(kernel, [rows] + [1] * (len(operand.shape) - 2) + [length])


def _kernel(variance: tf.Tensor, length: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns kernels `[rows, 2·length]` that begin at their centres and wrap around, and d kernel / d variance."""
    variance = tf.maximum(variance, _LEAST)[:, tf.newaxis]
    place = tf.range(2 * length)
    squares = tf.cast(tf.minimum(place, 2 * length - place), variance.dtype) ** 2
    total, slope = _sum_of_kernel(variance)
    kernel = tf.exp(-squares / (2 * variance)) / total
    return kernel, kernel * (squares / (2 * variance**2) - slope / total)


def _sum_of_kernel(variance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns Σ exp(−d²/2v) `[rows, 1]` over all whole d, and its derivative by the variance v.

    Up to the rounding of float64: term by term where v ≤ 1, else by Poisson's formula √(2πv)·(1 + 2·exp(−2π²v)).
    """
    narrow, broad = tf.minimum(variance, 1), tf.maximum(variance, 1)
    squares = tf.range(1 - _TERMS, _TERMS, dtype=variance.dtype) ** 2
    terms = tf.exp(-squares / (2 * narrow))
    term_by_term = (tf.reduce_sum(part, 1, keepdims=True) for part in (terms, terms * squares / (2 * narrow**2)))
    root, wave = tf.sqrt(2 * math.pi * broad), 2 * tf.exp(-2 * math.pi**2 * broad)
    by_poisson = (root * (1 + wave), root * ((1 + wave) / (2 * broad) - 2 * math.pi**2 * wave))
    total, slope = (tf.where(variance <= 1, *pair) for pair in zip(term_by_term, by_poisson, strict=True))
    return total, slope
