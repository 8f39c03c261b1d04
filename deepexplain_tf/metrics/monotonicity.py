"""Monotonicity: does the target rise with each feature that is added, from the least to the most relevant one?"""

import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.curves import replaced, step_counts
from deepexplain_tf.metrics.evaluation import Function, rounding_of


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Monotonicity(Score):
    """The fraction of the steps of each example at which the target does not fall, `per_example` `[batch]`.

    Attributes:
      curve: `[batch, steps]`, the target after each step.
    """

    curve: np.ndarray

    @property
    def monotone(self) -> np.ndarray:
        """`[batch]` booleans: whether the target falls nowhere."""
        return self.per_example == 1


@metric("monotonicity", better="higher")
def monotonicity(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    steps: int = 20,
    baseline: Structure = None,
    groups: Any = None,
    chunk_size: int | None = None,
) -> Monotonicity | dict[str, Monotonicity]:
    """Fraction of steps k ≥ 2 with f(xₖ) ≥ f(xₖ₋₁), where xₖ is x₀ with the least relevant features added in k steps.

    Differences within the rounding of f, 4 ε max|f|, are no fall. Relevance is signed, see
    `deepexplain_tf.metrics.curves`: features that speak against the target come first, and make it fall.
    `monotonicity_correlation` is another score of a similar name. With one feature at a time, AIX360's
    `monotonicity_metric` is `monotone` of the result. Quantus' `Monotonicity` leaves all features at the baseline, and
    so is always true.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name; the relevance of a feature is the sum over its elements.
      steps: the number of steps, ≥ 2, in which about equally many features are added; at most one per feature.
      baseline: x₀.
      groups: which elements form a feature.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `Monotonicity`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Arya et al., *One Explanation Does Not Fit All: A Toolkit and Taxonomy of AI Explainability Techniques*, 2019,
      https://arxiv.org/abs/1909.03012.
    """
    require_whole("steps", 2, steps)
    examples = Examples.read(inputs)
    scored, x0 = examples.attributions(attributions), examples.baseline(baseline)
    features = examples.features(groups)
    features.require_several("monotonicity")
    counts = step_counts(features, steps)[1:]
    function = Function(fn, examples, chunk_size)
    added = replaced(
        lambda ranks, count: ranks < features.count - count, function, examples, scored, x0, features, counts
    )
    return scored.by_name([_score(curve) for curve in added])


def _score(curve: np.ndarray) -> Monotonicity:
    rises = np.diff(curve.astype(np.float64), axis=1) >= -rounding_of(curve)[:, np.newaxis]
    return Monotonicity(per_example=rises.mean(1), curve=curve.astype(np.float64))
