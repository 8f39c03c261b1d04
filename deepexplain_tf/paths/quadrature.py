"""Quadrature rules on 0 … 1: each returns `n_steps` nodes α and as many weights, which add up to 1."""

from collections.abc import Callable
import functools

import numpy as np

_NEWTON_STEPS = 4  # enough for the last digit


@functools.lru_cache(maxsize=32)
def gauss_legendre(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre: exact for polynomials up to degree 2n − 1.

    Newton's method on the Legendre polynomial finds the nodes: an eigenvalue solver needs n² memory and n³ time.
    """
    half = (n_steps + 1) // 2  # the other half mirrors these nodes
    nodes = np.cos(np.pi * (np.arange(half) + 0.75) / (n_steps + 0.5))
    for _ in range(_NEWTON_STEPS):
        previous, value = np.ones(half), nodes
        for degree in range(2, n_steps + 1):
            previous, value = value, ((2 * degree - 1) * nodes * value - (degree - 1) * previous) / degree
        slope = n_steps * (nodes * value - previous) / (nodes**2 - 1)
        nodes = nodes - value / slope
    weights = 1 / ((1 - nodes**2) * slope**2)
    mirrored = slice(n_steps // 2)
    rule = (
        (1 + np.concatenate([-nodes, nodes[mirrored][::-1]])) / 2,
        np.concatenate([weights, weights[mirrored][::-1]]),
    )
    for array in rule:
        array.flags.writeable = False  # the cache shares them
    return rule


def midpoint(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = (i + ½)/n with equal weights."""
    return (np.arange(n_steps) + 0.5) / n_steps, np.full(n_steps, 1 / n_steps)


def trapezoid(n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """α = i/(n − 1), both ends included, with half weights at the ends; one step is the midpoint."""
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
