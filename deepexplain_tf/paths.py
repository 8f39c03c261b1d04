"""Integrals of a gradient along the straight path from the baseline to the input."""

from collections.abc import Callable, Sequence
import functools

import numpy as np
import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.objective import Scope
from deepexplain_tf.rules.composites import Composite

_NEWTON_STEPS = 4  # from the first guess to the last digit


@functools.lru_cache(maxsize=32)
def gauss_legendre(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre: exact for polynomials of degree 2n − 1.

    Newton's method on the Legendre polynomial: an eigenvalue solver would need n² memory and n³ time.
    """
    half = (n_steps + 1) // 2  # the others mirror them
    nodes = np.cos(np.pi * (np.arange(half) + 0.75) / (n_steps + 0.5))
    for _ in range(_NEWTON_STEPS):
        before, value = np.ones(half), nodes
        for degree in range(2, n_steps + 1):
            before, value = value, ((2 * degree - 1) * nodes * value - (degree - 1) * before) / degree
        slope = n_steps * (nodes * value - before) / (nodes**2 - 1)
        nodes = nodes - value / slope
    weights = 1 / ((1 - nodes**2) * slope**2)
    mirrored = slice(n_steps // 2)
    found = (
        (1 + np.concatenate([-nodes, nodes[mirrored][::-1]])) / 2,
        np.concatenate([weights, weights[mirrored][::-1]]),
    )
    for array in found:
        array.flags.writeable = False
    return found


def midpoint(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = (i + ½)/n with equal weights."""
    return (np.arange(n_steps) + 0.5) / n_steps, np.full(n_steps, 1 / n_steps)


def trapezoid(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = i/(n − 1), both ends included, with half weight there; one step is the midpoint."""
    if n_steps == 1:
        return midpoint(1)
    weights = np.full(n_steps, 1 / (n_steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, n_steps), weights


def left(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = i/n from 0, with equal weights: the left Riemann sum."""
    return np.arange(n_steps) / n_steps, np.full(n_steps, 1 / n_steps)


def right(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = (i + 1)/n up to 1, with equal weights: the right Riemann sum."""
    return (np.arange(n_steps) + 1) / n_steps, np.full(n_steps, 1 / n_steps)


QUADRATURES: dict[str, Callable[[int], tuple[np.ndarray, np.ndarray]]] = {
    rule.__name__: rule for rule in (gauss_legendre, midpoint, trapezoid, left, right)
}


def mean_gradients(
    scope: Scope,
    baseline: Sequence[tf.Tensor],
    nodes: tf.Tensor,
    weights: tf.Tensor,
    composite: Composite,
    chunks: Chunks,
) -> list[tf.Tensor]:
    """Returns Σₖ wₖ ∇F(x₀ + αₖ(x − x₀)) for each example.

    Args:
      scope: the examples.
      baseline: one per example, in the explained tensors' shapes.
      nodes: α, `[steps]`.
      weights: w, `[steps]`.
      composite: the single-valued rules of the gradient.
      chunks: how many gradients are evaluated at once.

    Returns:
      A tensor `[batch, ...]` for each explained tensor, in its dtype (accumulated in float32 at least).
    """
    ends = scope.explained
    batch, steps = tf.shape(ends[0])[0], tf.shape(nodes)[0]
    wide = [tf.float64 if end.dtype == tf.float64 else tf.float32 for end in ends]

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        example, step = numbers // steps, numbers % steps
        alpha = tf.gather(nodes, step)
        weight = tf.gather(weights, step) * tf.cast(valid, weights.dtype)
        points = []
        for start, end in zip(baseline, ends, strict=True):
            x0, x = tf.gather(start, example), tf.gather(end, example)
            points.append(x0 + _column(alpha, x) * (x - x0))
        _, gradients = scope.rows(example).gradient(points, composite)
        return [
            total + tf.math.unsorted_segment_sum(tf.cast(g, total.dtype) * _column(weight, total), example, batch)
            for total, g in zip(sums, gradients, strict=True)
        ]

    zeros = [tf.zeros_like(end, dtype) for end, dtype in zip(ends, wide, strict=True)]
    sums = chunks.run(batch * steps, zeros, body)
    return [tf.cast(total, end.dtype) for total, end in zip(sums, ends, strict=True)]


def _column(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Returns `values` [rows] as [rows, 1, …, 1], to multiply a tensor of the rank and dtype of `like`."""
    return tf.reshape(tf.cast(values, like.dtype), [-1] + [1] * (len(like.shape) - 1))
