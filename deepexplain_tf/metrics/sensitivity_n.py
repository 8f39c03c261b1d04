"""Sensitivity-n: do sums of attributions tell what the target loses with several features at once?"""

from collections.abc import Sequence
import dataclasses
from typing import Any

import ml_dtypes
import numpy as np

from deepexplain_tf.arguments.options import is_int, require, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import InputError, OptionError, shortened
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.correlation import pearson
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.masks import masked_values
from deepexplain_tf.writing.table import render

_POINTS, _LARGEST = 16, 0.8  # of the default grid: how many, and up to which part of the features


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SensitivityN(Score):
    """The correlation of each example, `per_example` `[batch, n]`, for each n.

    `mean` is `[n]` and `interval` `[2, n]`, each over the examples whose correlation is defined.

    Attributes:
      n: `[n]`, how many features are removed at once.
    """

    n: np.ndarray

    @property
    def n_constant(self) -> np.ndarray:
        """`[n]`: how many examples have no correlation, as one of its sides is constant."""
        return len(self.per_example) - self.count

    @property
    def summary(self) -> Score:
        """The mean correlation of each example over those n for which it is defined."""
        known = np.isfinite(self.per_example)
        total = np.where(known, self.per_example, 0).sum(1)
        return Score(per_example=np.where(known.any(1), total / np.maximum(known.sum(1), 1), np.nan))

    def __repr__(self) -> str:
        low, high = self.interval
        columns = [self.n, *(np.char.mod("%.4f", values) for values in (self.mean, low, high)), self.n_constant]
        rows = [[str(cell) for cell in row] for row in zip(*columns, strict=True)]
        table = render(["n", "mean", "95 % from", "to", "constant"], rows, left=0)
        return f"SensitivityN of {len(self.per_example)} examples\n{table}"


@metric("sensitivity_n", better="higher")
def sensitivity_n(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    n: int | Sequence[int] | np.ndarray | None = None,
    subsets: int = 100,
    baseline: Structure = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> SensitivityN | dict[str, SensitivityN]:
    """Pearson's correlation of Σ_{i ∈ S} Rᵢ and f(x) − f(x with S at the baseline) over random sets S of n features.

    For each example; 1 for all n on a linear model, for attributions that are contributions to f(x) − f(x₀). The sets
    are those of `draw_subsets`: the same for every example and all attributions, so that a comparison of several costs
    the model no more than one. An example is NaN where a side is constant, that is where it varies by no more than its
    rounding: on the side of f by 4 ε max|f|, with the ε of the dtype that `fn` returns, on that of R by 2 n ε Σ|R| over
    all features, with the ε of float64. It is counted in `n_constant`, not averaged. (Quantus' `SensitivityN` removes
    features in the order of their relevance, not at random.)

    Args:
      fn: inputs → `[batch]`; this and what is not listed here as for all metrics, see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one or several. A feature of several elements has the sum of their attributions (members of a group
        of `shapley_sampling` each carry its value: divide them by the size of the group).
      n: how many features are removed at once, one number or several, each from 1 to features − 1; default: 16
        whole numbers in geometric progression from 1 to 80 % of the features (fewer where there are not so many).
      subsets: random sets for each n, ≥ 2.
      baseline: what features are set to.
      groups: what a feature is.
      seed: of the sets.
      chunk_size: evaluations at once.

    Returns:
      A `SensitivityN`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: any argument that does not fit, before `fn` is evaluated.

    References:
      Ancona, Ceolini, Öztireli, Gross, *Towards better understanding of gradient-based attribution methods for deep
      neural networks*, ICLR 2018, https://arxiv.org/abs/1711.06104, section 4.
    """
    examples = Examples.read(inputs)
    scored = examples.attributions(attributions)
    x0, features = examples.baseline(baseline), examples.features(groups)
    grid = _grid(n, features.count)
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    function = Function(fn, examples, chunk_size)
    whole = np.zeros((1, features.count), bool)
    masks = np.concatenate([whole, *(draw_subsets(features.count, size, subsets, seed) for size in grid)])
    values = masked_values(function, examples, x0, features, masks)
    rounding = 4 * float(ml_dtypes.finfo(values.dtype).eps) * np.abs(values).max(1).astype(np.float64)
    values = values.astype(np.float64)
    drops = np.split(values[:, :1] - values[:, 1:], len(grid), axis=1)
    results = []
    for arrays in scored.arrays:
        relevance = features.sums(arrays)
        pairs = zip(np.split(masks[1:], len(grid)), drops, strict=True)
        columns = [_correlation(relevance, *pair, rounding) for pair in pairs]
        results.append(SensitivityN(per_example=np.stack(columns, 1), n=grid))
    return scored.named(results)


def draw_subsets(n_features: int, n: int, subsets: int, seed: int | None = None) -> np.ndarray:
    """Returns booleans `[subsets, n_features]` with n True in each row, drawn uniformly and independently.

    The rows for one n do not depend on which other n are asked for.

    Raises:
      OptionError: n is not in 1 … n_features − 1, subsets < 2, or a seed that is no whole number ≥ 0.
    """
    require(is_int(n) and 1 <= n < n_features, "n", f"a whole number in 1 … {n_features - 1}", n)
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    generator = np.random.default_rng(None if seed is None else (seed, n))
    drawn = np.zeros((subsets, n_features), bool)
    for row in drawn:
        row[generator.choice(n_features, n, replace=False, shuffle=False)] = True
    return drawn


def _grid(n: Any, n_features: int) -> np.ndarray:
    """Returns the numbers of features that are removed, as the user has them or by default."""
    if n_features < 2:
        raise InputError("sensitivity_n needs two or more features. Got one.")
    if n is not None:
        n = n.tolist() if isinstance(n, np.ndarray) else n
        asked = list(n) if isinstance(n, Sequence) and not isinstance(n, str) else [n]
        if not asked or not all(is_int(size) and 1 <= size < n_features for size in asked):
            raise OptionError(
                f"n must be one or several whole numbers in 1 … {n_features - 1}, as there are {n_features} features. "
                f"Got {shortened(n)}."
            )
        return np.array(asked, np.int64)
    largest = max(int(_LARGEST * n_features), 1)
    if largest <= _POINTS:
        return np.arange(1, largest + 1)
    sizes = np.geomspace(1, largest, _POINTS).round().astype(np.int64)
    place = np.arange(_POINTS)
    return np.maximum.accumulate(sizes - place) + place  # distinct where the first are close


def _correlation(relevance: np.ndarray, masks: np.ndarray, drops: np.ndarray, rounding: np.ndarray) -> np.ndarray:
    """Returns `[batch]`; NaN where a side is constant.

    Args:
      relevance: `[batch, features]`.
      masks: `[subsets, features]`.
      drops: `[batch, subsets]`.
      rounding: `[batch]`, of the drops.
    """
    sums = relevance @ masks.T.astype(np.float64)
    lost = 2 * masks[0].sum() * np.finfo(np.float64).eps * np.abs(relevance).sum(1)
    return pearson(sums, drops, rounding=(lost, rounding))
