"""Correlations of Σ_{i ∈ S} Rᵢ and f(x) − f(x without S) over sets S of features; several metrics share them.

A correlation is not defined (NaN) where one of its sides is constant, that is where it varies by no more than its
rounding: 4 ε max|f| for f, with the ε of the dtype that `fn` returns, and 2 n ε Σ|R| over all features for R, with the
size n of the largest set and the ε of float64.
"""

from collections.abc import Callable, Sequence

import numpy as np

from deepexplain_tf.arguments.options import require_between, require_seed, require_whole
from deepexplain_tf.metrics.arguments import Attributions, Examples, Features
from deepexplain_tf.metrics.correlation import pearson
from deepexplain_tf.metrics.evaluation import Arrays, Function, rounding_of
from deepexplain_tf.metrics.masks import masked_values


def draw_subsets(n_features: int, n: int, subsets: int, seed: int | None = None) -> np.ndarray:
    """Returns booleans `[subsets, n_features]` with n True in each row, drawn uniformly and independently.

    With a seed, the rows depend on the seed and n alone.

    Raises:
      OptionError: n is not in 1 … n_features − 1, subsets < 2, or the seed is not a whole number ≥ 0.
    """
    require_between("n", 1, n_features - 1, n)
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    generator = np.random.default_rng(None if seed is None else (seed, n))
    drawn = np.zeros((subsets, n_features), bool)
    for row in drawn:
        row[generator.choice(n_features, n, replace=False, shuffle=False)] = True
    return drawn


def subset_correlations(
    function: Function,
    examples: Examples,
    scored: Attributions,
    baseline: Arrays,
    features: Features,
    families: Sequence[np.ndarray],
    correlate: Callable[..., np.ndarray] = pearson,
) -> list[np.ndarray]:
    """Returns the correlations of each set of attributions, `[batch, families]`, over each family of sets of features.

    Args:
      function: f.
      examples: x.
      scored: R, of one or several sets of attributions, which share the evaluations of f.
      baseline: the values of features that are removed, `[1 or batch, ...]` for each input.
      features: the features.
      families: booleans `[sets, features]`, True for the features that are removed.
      correlate: `pearson` or `spearman`.
    """
    whole = np.zeros((1, features.count), bool)
    values = masked_values(function, examples, baseline, features, np.concatenate([whole, *families]))
    rounding = rounding_of(values)
    values = values.astype(np.float64)
    drops = np.split(values[:, :1] - values[:, 1:], np.cumsum([len(masks) for masks in families])[:-1], axis=1)
    results = []
    for arrays in scored.arrays:
        relevance = features.sums(arrays)
        columns = []
        for masks, drop in zip(families, drops, strict=True):
            sums = relevance @ masks.T.astype(np.float64)
            lost = 2 * masks.sum(1).max() * np.finfo(np.float64).eps * np.abs(relevance).sum(1)
            columns.append(correlate(sums, drop, rounding=(lost, rounding)))
        results.append(np.stack(columns, 1))
    return results
