"""Sparseness: do few features have most of the relevance?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.fractions import score_fractions


@metric("sparseness", better="higher", aliases=("gini",))
def sparseness(inputs: Structure, attributions: Any, *, groups: Any = None) -> Score | dict[str, Score]:
    """Gini index of |R|: Σₖ (2k − d − 1)·pₖ / d over the fractions p₁ ≤ … ≤ p_d of d features; higher is better.

    It is 0 where all features are equally relevant, and 1 − 1/d where a single one is. A sparse explanation is easy to
    take in, which does not make it true. Quantus' `Sparseness` adds 1e-7 to each |R|. For arguments, result and errors
    see `deepexplain_tf.metrics.fractions`.

    References:
      Chalasani, Chen, Chowdhury, Jha, Wu, *Concise Explanations of Neural Networks using Adversarial Training*, ICML
      2020, https://arxiv.org/abs/1810.06583.
    """
    return score_fractions(_gini, inputs, attributions, groups)


def _gini(fractions: np.ndarray) -> np.ndarray:
    count = fractions.shape[1]
    weights = 2.0 * np.arange(1, count + 1) - count - 1
    return np.sort(fractions, axis=1) @ weights / count
