"""Complexity: over how many features does the relevance spread?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.fractions import score_fractions


@metric("complexity", better="lower")
def complexity(inputs: Structure, attributions: Any, *, groups: Any = None) -> Score | dict[str, Score]:
    """Entropy −Σ p·ln p of the fractions p = |R| / Σ |R| of d features, in nats; lower is better.

    It is 0 where a single feature is relevant, and ln d where all are equally so: exp of it is the number of equally
    relevant features that are as complex. A simple explanation is easy to take in, which does not make it true.
    Quantus' `Complexity` is the same, up to the 1e-12 that it adds to p inside the logarithm. For arguments, result and
    errors see `deepexplain_tf.metrics.fractions`.

    References:
      Bhatt, Weller, Moura, *Evaluating and Aggregating Feature-based Model Explanations*, IJCAI 2020,
      https://arxiv.org/abs/2005.00631, definition 4.
    """
    return score_fractions(_entropy, inputs, attributions, groups)


def _entropy(fractions: np.ndarray) -> np.ndarray:
    logarithms = np.log(np.where(fractions > 0, fractions, 1))
    return np.maximum(-(fractions * logarithms).sum(1), 0)  # rounding must not leave a negative zero of one feature
