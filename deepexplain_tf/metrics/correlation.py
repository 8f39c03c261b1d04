"""Correlations between the rows of two arrays."""

import numpy as np


def pearson(left: np.ndarray, right: np.ndarray, *, rounding: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Returns Pearson's correlation of each row of both sides, `[rows]` in −1 … 1; NaN where a side is constant.

    Args:
      left: `[rows, values]`.
      right: `[rows, values]`.
      rounding: `[rows]` for each side; a row whose values differ by no more than this is constant.
    """
    constant = (np.ptp(left, axis=1) <= rounding[0]) | (np.ptp(right, axis=1) <= rounding[1])
    left, right = _centred(left), _centred(right)
    scale = np.sqrt((left**2).sum(1) * (right**2).sum(1))
    correlation = (left * right).sum(1) / np.where(scale == 0, 1, scale)
    return np.where(constant, np.nan, np.clip(correlation, -1, 1))


def _centred(values: np.ndarray) -> np.ndarray:
    """Returns the rows less their means, scaled so that their squares neither vanish nor overflow."""
    largest = np.abs(values).max(1, keepdims=True)
    values = values / np.where(largest > 0, largest, 1)
    values -= values.mean(1, keepdims=True)
    spread = np.abs(values).max(1, keepdims=True)
    return values / np.where(spread > 0, spread, 1)


def spearman(
    left: np.ndarray, right: np.ndarray, *, rounding: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """Returns the correlation of ranks, `[rows]`, with mean ranks for equal values; NaN where a side is constant.

    Args:
      left: `[rows, values]`.
      right: `[rows, values]`.
      rounding: `[rows]` for each side; values that differ by no more than this are equal. Default: 0.
    """
    zeros = np.zeros(len(left))
    return pearson(*map(ranks, (left, right), rounding or (zeros, zeros)), rounding=(zeros, zeros))


def ranks(values: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Returns the rank of each value in its row, from 1; values equal up to a row's rounding share their mean."""
    return np.stack([_ranks(*row) for row in zip(values, rounding, strict=True)])


def _ranks(row: np.ndarray, rounding: float) -> np.ndarray:
    order = np.argsort(row, kind="stable")
    places = np.concatenate([[0], np.cumsum(np.diff(row[order]) > rounding)])  # equal ones have one place
    counts = np.bincount(places)
    shared = np.cumsum(counts) - (counts - 1) / 2
    found = np.empty(len(row))
    found[order] = shared[places]
    return found
