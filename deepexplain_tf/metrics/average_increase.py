"""Average increase: how often is the confidence higher where only what is relevant is shown?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.confidence import score_confidence


@metric("average_increase", better="higher")
def average_increase(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    baseline: Structure = None,
    groups: Any = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """1 where f(m ∘ x) > f(x), else 0: whether the confidence is higher when only the map m of x is shown.

    The mean is the rate of increase in confidence, here a fraction and no percentage. The map is the normalised
    positive relevance, which class activation maps are; Xplique's `AverageIncreaseMetric` takes the mean of |R| over
    channels, stretched from 0 to 1. For arguments, result and errors see `deepexplain_tf.metrics.confidence`.

    References:
      Chattopadhay, Sarkar, Howlader, Balasubramanian, *Grad-CAM++: Generalized Gradient-based Visual Explanations for
      Deep Convolutional Networks*, WACV 2018, https://arxiv.org/abs/1710.11063, section 4.1.
    """
    return score_confidence(_increase, fn, inputs, attributions, baseline, groups, chunk_size)


def _increase(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return (after > before).astype(np.float64)
