"""μ-Fidelity: do sums of attributions rank random sets of features as the drops of the target without them do?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require, require_between, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError
from deepexplain_tf.metrics.arguments import Examples, Features
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.correlation import spearman
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.subsets import subset_correlations


@metric("mu_fidelity", better="higher")
def mu_fidelity(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    fraction: float = 0.2,
    grid: int | None = None,
    subsets: int = 200,
    baseline: Structure = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """Spearman's correlation of Σ_{i ∈ S} Rᵢ and f(x) − f(x with S at the baseline) over random sets S.

    Each feature is in S with probability `fraction`; the sets are the same for every example and for all attributions.
    The score is NaN where a side is constant, and values that differ by their rounding alone share a rank (see
    `deepexplain_tf.metrics.subsets`). Xplique's `MuFidelity` is the same, but counts an undefined correlation as 0.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name; the relevance of a feature is the sum over its elements.
      fraction: the probability that a feature is removed, between 0 and 1.
      grid: the features of pictures `[batch, height, width, ...]`: grid × grid cells with all their channels, in place
        of `groups`; 9 in Xplique.
      subsets: the number of random sets, ≥ 2.
      baseline: the values of removed features.
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
      Fel et al., *Xplique: A Deep Learning Explainability Toolbox*, 2022, https://arxiv.org/abs/2206.04394.
    """
    require(is_real(fraction) and 0 < fraction < 1, "fraction", "a number between 0 and 1", fraction)
    require_whole("subsets", 2, subsets)
    require_seed(seed)
    examples = Examples.read(inputs)
    scored = examples.attributions(attributions)
    x0 = examples.baseline(baseline)
    features = examples.features(groups) if grid is None else _cells(examples, grid)
    features.require_several("mu_fidelity")
    function = Function(fn, examples, chunk_size)
    family = np.random.default_rng(seed).random((subsets, features.count)) < fraction
    found = subset_correlations(function, examples, scored, x0, features, [family], spearman)
    return scored.by_name([Score(per_example=column[:, 0]) for column in found])


def _cells(examples: Examples, grid: int) -> Features:
    """Returns the cells of a grid over pictures as features, numbered row by row."""
    if len(examples.shapes) != 1 or len(examples.shapes[0]) < 2:
        raise OptionError(f"grid is for one input of pictures. Got inputs of shape {[*map(list, examples.shapes)]}.")
    shape = examples.shapes[0]
    require_between("grid", 1, min(shape[:2]), grid)
    # A pixel belongs to the cell in which its centre lies.
    rows, columns = (((np.arange(size) + 0.5) * grid / size).astype(np.int32) for size in shape[:2])
    cells = rows[:, np.newaxis] * np.int32(grid) + columns
    return Features([np.broadcast_to(cells.reshape(*shape[:2], *[1] * (len(shape) - 2)), shape)])
