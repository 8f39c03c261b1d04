"""Average drop: which share of the confidence is lost where only what is relevant is shown?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.confidence import score_confidence


@metric("average_drop", better="lower")
def average_drop(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    baseline: Structure = None,
    groups: Any = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """max(0, f(x) − f(m ∘ x)) / f(x): the share of the confidence that is lost when only the map m of x is shown.

    The mean is the average drop, here a fraction and no percentage. The score is NaN where f(x) = 0. The map is the
    normalised positive relevance, which class activation maps are; Xplique's `AverageDropMetric` takes the mean of |R|
    over channels, stretched from 0 to 1. For arguments, result and errors see `deepexplain_tf.metrics.confidence`.

    References:
      Chattopadhay, Sarkar, Howlader, Balasubramanian, *Grad-CAM++: Generalized Gradient-based Visual Explanations for
      Deep Convolutional Networks*, WACV 2018, https://arxiv.org/abs/1710.11063, section 4.1.
    """
    return score_confidence(_drop, fn, inputs, attributions, baseline, groups, chunk_size)


def _drop(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return np.where(before > 0, np.maximum(before - after, 0) / np.where(before > 0, before, 1), np.nan)
