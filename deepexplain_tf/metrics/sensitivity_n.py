"""Sensitivity-n: do sums of attributions predict how far the target falls without several features at once?"""

from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_int, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError, shortened
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.subsets import draw_subsets, subset_correlations
from deepexplain_tf.writing.table import render

_POINTS, _LARGEST = 16, 0.8  # of the default grid: how many n, and the largest as a fraction of the features


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SensitivityN(Score):
    """The correlation of each example, `per_example` `[batch, n]`, for each n.

    `mean` is `[n]` and `interval` `[2, n]`, both over the examples whose correlation is defined.

    Attributes:
      n: `[n]`, the numbers of features removed at once.
    """

    n: np.ndarray

    @property
    def n_constant(self) -> np.ndarray:
        """`[n]`: the number of examples without a correlation, because one of its sides is constant."""
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

    Each example has its own correlation. On a linear model, contributions to f(x) − f(x₀) have the correlation 1 for
    all n. `draw_subsets` draws the sets, the same for every example and for all attributions, so that scoring several
    sets of attributions needs no more evaluations than one. The correlation is NaN where a side is constant up to its
    rounding (see `deepexplain_tf.metrics.subsets`). `n_constant` counts these examples; the mean leaves them out.
    (Quantus' `SensitivityN` removes features in the order of their relevance, not at random.)

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name. A feature of several elements has the sum of their attributions
        (`shapley_sampling` gives every member of a group the value of the whole group: divide by the group's size).
      n: the number of features removed at once, or several such numbers, each from 1 to features − 1; default: 16
        whole numbers in geometric progression from 1 to 80 % of the features (fewer where there are not so many).
      subsets: the number of random sets for each n, ≥ 2.
      baseline: the values of removed features.
      groups: which elements form a feature.
      seed: seed of the sets.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `SensitivityN`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Ancona, Ceolini, Öztireli, Gross, *Towards better understanding of gradient-based attribution methods for Deep
      Neural Networks*, ICLR 2018, https://arxiv.org/abs/1711.06104, section 4.
    """
    examples = Examples.read(inputs)
    scored = examples.attributions(attributions)
    x0, features = examples.baseline(baseline), examples.features(groups)
    features.require_several("sensitivity_n")
    grid = _grid(n, features.count)
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    function = Function(fn, examples, chunk_size)
    families = [draw_subsets(features.count, size, subsets, seed) for size in grid]
    found = subset_correlations(function, examples, scored, x0, features, families)
    return scored.by_name([SensitivityN(per_example=correlations, n=grid) for correlations in found])


def _grid(n: Any, n_features: int) -> np.ndarray:
    """Returns the numbers of features to remove, the user's or the default ones; OptionError where they do not fit."""
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
    return np.maximum.accumulate(sizes - place) + place  # distinct, where rounding makes the first ones equal
