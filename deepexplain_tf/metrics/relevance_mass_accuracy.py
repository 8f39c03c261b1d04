"""Relevance mass accuracy: which share of the relevance lies where it should?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.ground_truth import score_localisation


@metric("relevance_mass_accuracy", better="higher", aliases=("localisation",))
def relevance_mass_accuracy(inputs: Structure, attributions: Any, masks: Any) -> Score | dict[str, Score]:
    """Σ_{i inside} Rᵢ⁺ / Σᵢ Rᵢ⁺ with R⁺ = max(R, 0): the share of the positive relevance inside the mask.

    The score is NaN for an example without positive relevance. Quantus' `RelevanceMassAccuracy` sums attributions with
    their signs. For arguments, result and errors see `deepexplain_tf.metrics.ground_truth`.

    References:
      Arras, Osman, Samek, *CLEVR-XAI: A benchmark dataset for the ground truth evaluation of neural network
      explanations*, Information Fusion 2022, https://arxiv.org/abs/2003.07258.
    """
    return score_localisation(_share, inputs, attributions, masks)


def _share(relevance: np.ndarray, inside: np.ndarray) -> np.ndarray:
    positive = np.maximum(relevance, 0)
    largest = positive.max(1, keepdims=True)
    positive /= np.where(largest > 0, largest, 1)  # so that the total neither vanishes nor overflows
    total = positive.sum(1)
    return np.where(total > 0, (positive * inside).sum(1) / np.maximum(total, 1), np.nan)
