"""Pointing game: does the most relevant position lie where it should?"""

import functools
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.ground_truth import GroundTruth, score_localisation


@metric("pointing_game", better="higher")
def pointing_game(
    inputs: Structure, attributions: Any, masks: Any, *, tolerance: float = 0
) -> Score | dict[str, Score]:
    """1 where the most relevant position is at most `tolerance` from the mask, else 0.

    The distance is Euclidean, in elements along the axes of the mask: leave the channels of pictures out of the masks.
    Where several positions are the most relevant ones, the score is the fraction of them that hit; Quantus'
    `PointingGame` counts any hit, and has no tolerance. For the other arguments, result and errors see
    `deepexplain_tf.metrics.ground_truth`.

    Args:
      inputs: the examples.
      attributions: one set, or several by name.
      masks: where the examples should be relevant.
      tolerance: the largest distance of a hit, ≥ 0; 15 pixels in the paper.

    References:
      Zhang, Bargal, Lin, Brandt, Shen, Sclaroff, *Top-Down Neural Attention by Excitation Backprop*, International
      Journal of Computer Vision 2018, https://arxiv.org/abs/1608.00507.
    """
    require(is_real(tolerance) and tolerance >= 0, "tolerance", "a number ≥ 0", tolerance)
    widened = functools.partial(_widened, tolerance=tolerance)
    return score_localisation(_hits, inputs, attributions, masks, inside_of=widened)


def _hits(relevance: np.ndarray, inside: np.ndarray) -> np.ndarray:
    most = relevance == relevance.max(1, keepdims=True)
    return (most & inside).sum(1) / most.sum(1)


def _widened(truth: GroundTruth, tolerance: float) -> np.ndarray:
    return GroundTruth([_near(mask, tolerance) for mask in truth.masks]).inside


def _near(mask: np.ndarray, tolerance: float) -> np.ndarray:
    """Returns the positions of each example that are at most `tolerance` from its mask, `[batch, ...]`."""
    squares = np.where(mask, 0.0, np.inf)  # of the distances, along the axes so far
    for axis in range(1, mask.ndim):
        before = np.moveaxis(squares, axis, 0)
        after = before.copy()
        for step in range(1, int(min(tolerance, len(before) - 1)) + 1):
            after[step:] = np.minimum(after[step:], before[:-step] + step**2)
            after[:-step] = np.minimum(after[:-step], before[step:] + step**2)
        squares = np.moveaxis(after, 0, axis)
    return np.sqrt(squares) <= tolerance
