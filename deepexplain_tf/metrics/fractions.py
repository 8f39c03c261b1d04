"""The fractions of the total relevance that the features have; sparseness and complexity score how they spread.

- `inputs`: the examples, whose structure and shapes the attributions have; no model is asked.
- `attributions`: one set, or several by name; the relevance of a feature is the absolute sum over its elements.
- `groups`: which elements form a feature; `"positions"` for the pixels of a picture.
- The score is NaN for an example without relevance.
- The result is a `Score`, or a dict of them by the names of `attributions`.
- DeepExplainError: an argument does not fit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score


def score_fractions(
    scored: Callable[[np.ndarray], np.ndarray], inputs: Structure, attributions: Any, groups: Any
) -> Score | dict[str, Score]:
    """Returns the result of a metric, whose arguments follow `scored`: fractions `[batch, features]` → `[batch]`."""
    examples = Examples.read(inputs)
    sets, features = examples.attributions(attributions), examples.features(groups)
    results = []
    for arrays in sets.arrays:
        relevance = np.abs(features.sums(arrays))
        largest = relevance.max(1, keepdims=True)
        relevance /= np.where(largest > 0, largest, 1)  # so that the total neither vanishes nor overflows
        fractions = relevance / np.maximum(relevance.sum(1, keepdims=True), 1)
        results.append(Score(per_example=np.where(largest[:, 0] > 0, scored(fractions), np.nan)))
    return sets.by_name(results)
