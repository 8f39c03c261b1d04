"""Faithfulness correlation: do sums of attributions predict how far the target falls without a set of features?"""

from typing import Any

from deepexplain_tf.arguments.options import require_between, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.subsets import draw_subsets, subset_correlations


@metric("faithfulness_correlation", better="higher")
def faithfulness_correlation(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    subset_size: int | None = None,
    subsets: int = 100,
    baseline: Structure = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """Pearson's correlation of Σ_{i ∈ S} Rᵢ and f(x) − f(x with S at the baseline) over random sets S of one size.

    It is Sensitivity-n for a single n, and draws the same sets; `mu_fidelity` has ranks and sets of any size. The score
    is NaN where a side is constant (see `deepexplain_tf.metrics.subsets`). Quantus' `FaithfulnessCorrelation` is the
    same, with sets of its own for each example.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name; the relevance of a feature is the sum over its elements.
      subset_size: |S|, from 1 to features − 1; default: a fifth of the features, rounded, and at least 1.
      subsets: the number of random sets, ≥ 2.
      baseline: the values of removed features; in the paper, the mean of the data.
      groups: which elements form a feature.
      seed: seed of the sets.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `Score`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Bhatt, Weller, Moura, *Evaluating and Aggregating Feature-based Model Explanations*, IJCAI 2020,
      https://arxiv.org/abs/2005.00631, definition 3.
    """
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    examples = Examples.read(inputs)
    scored = examples.attributions(attributions)
    x0, features = examples.baseline(baseline), examples.features(groups)
    features.require_several("faithfulness_correlation")
    size = max(round(features.count / 5), 1) if subset_size is None else subset_size
    require_between("subset_size", 1, features.count - 1, size)
    function = Function(fn, examples, chunk_size)
    family = draw_subsets(features.count, size, subsets, seed)
    found = subset_correlations(function, examples, scored, x0, features, [family])
    return scored.by_name([Score(per_example=column[:, 0]) for column in found])
