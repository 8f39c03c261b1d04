"""Quadrature rules on 0 … 1: each returns `n_steps` nodes α and as many weights, which add up to 1."""

from collections.abc import Callable
import functools
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import require

Rule = tuple[np.ndarray, np.ndarray]  # nodes, weights

MAX_STEPS = 100_000  # along one path, for any method
_NEWTON_STEPS = 4  # enough for the last digit


@functools.lru_cache(maxsize=32)
def gauss_legendre(n_steps: int) -> Rule:
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


def midpoint(n_steps: int) -> Rule:
    """α = (i + ½)/n with equal weights."""
    return (np.arange(n_steps) + 0.5) / n_steps, np.full(n_steps, 1 / n_steps)


def trapezoid(n_steps: int) -> Rule:
    """α = i/(n − 1), both ends included, with half weights at the ends; one step is the midpoint."""
    if n_steps == 1:
        return midpoint(1)
    weights = np.full(n_steps, 1 / (n_steps - 1))
    weights[[0, -1]] /= 2
    return np.linspace(0, 1, n_steps), weights


def left(n_steps: int) -> Rule:
    """α = i/n from 0, with equal weights: the left Riemann sum."""
    return np.arange(n_steps) / n_steps, np.full(n_steps, 1 / n_steps)


def right(n_steps: int) -> Rule:
    """α = (i + 1)/n up to 1, with equal weights: the right Riemann sum."""
    return (np.arange(n_steps) + 1) / n_steps, np.full(n_steps, 1 / n_steps)


@functools.lru_cache(maxsize=32)
def gauss_logarithm(n_steps: int) -> Rule:
    """Gauss for ∫₀¹ −ln α f(α) dα, the mean of f(αβ) over the square of α and β: exact up to degree 2n − 1.

    Chebyshev's algorithm makes the recursion of the orthogonal polynomials from moments of Legendre polynomials, which
    are known; on 0 … 4 monic polynomials neither vanish nor explode. The eigenvalues of the recursion are the nodes.

    References:
      Gautschi, *Algorithm 726: ORTHPOL*, ACM Transactions on Mathematical Software 1994.
    """
    k = np.arange(1, 2 * n_steps)
    shift, square = 2.0, 4 * k**2 / (4 * k**2 - 1)  # the recursion of monic Legendre polynomials on 0 … 4
    ratios = np.concatenate([[-1.0], -2 * (k[1:] - 1) * k[1:] / ((2 * k[1:] - 1) * (k[1:] + 1))])
    moments = np.concatenate([[1.0], np.cumprod(ratios)])
    diagonal, off = np.empty(n_steps), np.empty(n_steps)
    previous, current = np.zeros(2 * n_steps), moments
    diagonal[0], off[0] = shift + current[1] / current[0], 1.0
    for row in range(1, n_steps):
        inner = slice(row, 2 * n_steps - row)
        last = np.zeros(2 * n_steps)
        last[inner] = (
            current[row + 1 : 2 * n_steps - row + 1]
            - (diagonal[row - 1] - shift) * current[inner]
            - off[row - 1] * previous[inner]
            + square[row - 1 : 2 * n_steps - row - 1] * current[row - 1 : 2 * n_steps - row - 1]
        )
        diagonal[row] = shift + last[row + 1] / last[row] - current[row] / current[row - 1]
        off[row] = last[row] / current[row - 1]
        previous, current = current, last
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(np.sqrt(off[1:]), 1) + np.diag(np.sqrt(off[1:]), -1))
    rule = nodes / 4, vectors[0] ** 2
    for array in rule:
        array.flags.writeable = False
    return rule


def in_parts(rule: Rule, parts: int) -> Rule:
    """Returns a rule for each of some equal parts of 0 … 1, one after the other; nodes are those within their part."""
    return np.tile(rule[0], parts), np.tile(rule[1], parts) / parts


def as_data(rule: Rule, most: int, *, padded: bool) -> dict[str, np.ndarray | np.generic]:
    """Returns a rule as data of a program: `nodes`, `weights` and `steps`, the number of them.

    Args:
      rule: nodes and weights.
      most: the largest number of nodes.
      padded: whether there is room for all of these, so that XLA does not compile anew for another number.
    """
    steps = len(rule[0])
    nodes, weights = (np.pad(array, (0, max(most - steps, 0) if padded else 0)) for array in rule)
    return {"nodes": nodes, "weights": weights, "steps": np.int32(steps)}


QUADRATURES: dict[str, Callable[[int], Rule]] = {
    rule.__name__: rule for rule in (gauss_legendre, midpoint, trapezoid, left, right)
}


def require_quadrature(name: Any) -> None:
    """Raises OptionError unless an option is the name of a quadrature."""
    known = isinstance(name, str) and name in QUADRATURES
    require(known, "quadrature", f"one of {', '.join(map(repr, QUADRATURES))}", name)
