"""Integrals of a gradient along the straight path from the baseline to the input."""

from collections.abc import Callable, Sequence
import functools

import numpy as np
import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.graph.emit import emit
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

    The affine part of the model is not evaluated at the nodes: its values there lie between those at x₀ and x, and its
    transpose is applied to the sum.

    Args:
      scope: the examples.
      baseline: of `scope.starts`.
      nodes: α, `[steps]`.
      weights: w, `[steps]`.
      composite: the single-valued rules of the gradient.
      chunks: how many gradients are evaluated at once.

    Returns:
      A tensor `[batch, ...]` for each explained tensor, in its dtype (accumulated in float32 at least).
    """
    rest, prefix = scope.simplified(composite, straight=True)
    points = [tf.identity(tensor) for tensor in scope.explained]
    if prefix is None:
        return _accumulated(rest, baseline, points, nodes, weights, composite, chunks)
    starts, ends = (emit(prefix.prefix, prefix.bound(tensors)) for tensors in (baseline, points))
    means = _accumulated(rest, starts, ends, nodes, weights, composite, chunks)
    return tf.gradients(ends, points, means, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def end_values(scope: Scope, baseline: Sequence[tf.Tensor], chunks: Chunks) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the target `[batch]` at the inputs and at the baselines (of `scope.starts`)."""
    batch = tf.shape(scope.explained[0])[0]

    def body(numbers: tf.Tensor, valid: tf.Tensor, values: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        del valid  # padding writes the last value once more
        example, at_end = numbers % batch, numbers < batch
        points = [
            tf.where(_column(at_end, end, tf.bool), tf.gather(end, example), _row(start, example))
            for start, end in zip(baseline, scope.explained, strict=True)
        ]
        found = scope.rows(example).value(points)
        return [tf.tensor_scatter_nd_update(values[0], numbers[:, tf.newaxis], found)]

    (values,) = chunks.run(2 * batch, [tf.zeros([2 * batch], scope.dtype)], body)
    return values[:batch], values[batch:]


def _accumulated(
    scope: Scope,
    starts: Sequence[tf.Tensor],
    ends: Sequence[tf.Tensor],
    nodes: tf.Tensor,
    weights: tf.Tensor,
    composite: Composite,
    chunks: Chunks,
) -> list[tf.Tensor]:
    """Returns the weighted sum of gradients on the lines from `starts` to `ends`."""
    batch, steps = tf.shape(ends[0])[0], tf.shape(nodes)[0]
    wide = [tf.float64 if end.dtype == tf.float64 else tf.float32 for end in ends]
    differences = [end - start for start, end in zip(starts, ends, strict=True)]

    def body(numbers: tf.Tensor, valid: tf.Tensor, sums: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        example, step = numbers // steps, numbers % steps
        alpha, weight = tf.gather(nodes, step), tf.gather(weights, step) * tf.cast(valid, weights.dtype)
        points = [
            _row(start, example) + _column(alpha, difference) * tf.gather(difference, example)
            for start, difference in zip(starts, differences, strict=True)
        ]
        _, gradients = scope.rows(example).gradient(points, composite)
        return [
            tf.tensor_scatter_nd_add(total, example[:, tf.newaxis], tf.cast(g, total.dtype) * _column(weight, total))
            for total, g in zip(sums, gradients, strict=True)
        ]

    zeros = [tf.zeros_like(end, dtype) for end, dtype in zip(ends, wide, strict=True)]
    sums = chunks.run(batch * steps, zeros, body)
    return [tf.cast(total, end.dtype) for total, end in zip(sums, ends, strict=True)]


def _row(start: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Returns the start of each example's line, where there may be one for all."""
    return tf.gather(start, tf.minimum(example, tf.shape(start)[0] - 1))


def _column(values: tf.Tensor, like: tf.Tensor, dtype: tf.DType | None = None) -> tf.Tensor:
    """Returns `values` [rows] as [rows, 1, …, 1], to go with a tensor of the rank (and dtype) of `like`."""
    return tf.reshape(tf.cast(values, dtype or like.dtype), [-1] + [1] * (len(like.shape) - 1))
