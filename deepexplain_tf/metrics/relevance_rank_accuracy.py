"""Relevance rank accuracy: how many of the most relevant positions lie where they should?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.ground_truth import score_localisation


@metric("relevance_rank_accuracy", better="higher")
def relevance_rank_accuracy(inputs: Structure, attributions: Any, masks: Any) -> Score | dict[str, Score]:
    """|{K most relevant positions} ∩ mask| / K, with the number K of positions inside the mask.

    Relevance is signed. Of equally relevant positions at the end of the K, as many count as are inside in the mean over
    their orders. Quantus' `RelevanceRankAccuracy` is the same, but takes some of equal ones. For arguments, result and
    errors see `deepexplain_tf.metrics.ground_truth`.

    References:
      Arras, Osman, Samek, *CLEVR-XAI: A benchmark dataset for the ground truth evaluation of neural network
      explanations*, Information Fusion 2022, https://arxiv.org/abs/2003.07258.
    """
    return score_localisation(_accuracy, inputs, attributions, masks)


def _accuracy(relevance: np.ndarray, inside: np.ndarray) -> np.ndarray:
    count = np.maximum(inside.sum(1, keepdims=True), 1)
    lowest = np.take_along_axis(-np.sort(-relevance, axis=1), count - 1, 1)  # of the K most relevant positions
    above, equal = relevance > lowest, relevance == lowest
    open_places = count[:, 0] - above.sum(1)
    return ((above & inside).sum(1) + open_places * (equal & inside).sum(1) / equal.sum(1)) / count[:, 0]
