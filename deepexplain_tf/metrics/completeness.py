"""Completeness: do attributions sum to the change of the target?"""

import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples, Features
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.masks import masked_values


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Completeness(Score):
    """The gap of each example, `per_example` `[batch]`, in units of the target.

    Attributes:
      change: `[batch]`, f(x) − f(x₀).
    """

    change: np.ndarray

    @property
    def relative(self) -> np.ndarray:
        """`[batch]`: |gap| / |f(x) − f(x₀)|; NaN where f does not change."""
        change = np.abs(self.change)
        return np.where(change > 0, np.abs(self.per_example) / np.where(change > 0, change, 1), np.nan)

    @property
    def summary(self) -> Score:
        """|gap| / mean |f(x) − f(x₀)|: the mean over the examples, unlike a single change, is not near 0 by chance."""
        change = np.abs(self.change).mean()
        return Score(per_example=np.abs(self.per_example) / change if change else np.full(len(self.change), np.nan))

    def _described(self) -> str:
        largest = Score(per_example=self.relative)
        return f"largest |gap| {np.abs(self.per_example).max():.2g}, relative {largest.mean:.2g} in the mean"


@metric("completeness", better="lower", contributions=True, aliases=("completeness_gap",))
def completeness(
    fn: Any, inputs: Structure, attributions: Any, *, baseline: Structure = None, chunk_size: int | None = None
) -> Completeness | dict[str, Completeness]:
    """Σ R − (f(x) − f(x₀)): the gap of each example, as in `Explanation.completeness_gap`.

    The gap is 0 for contributions that add up exactly. The sum runs over all elements. (`shapley_sampling` gives every
    member of a group the value of the whole group: divide by the size of the group.)

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name.
      baseline: x₀.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `Completeness`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017, https://arxiv.org/abs/1703.01365.
    """
    examples = Examples.read(inputs)
    scored, x0 = examples.attributions(attributions), examples.baseline(baseline)
    everything = Features([np.zeros(shape, np.int32) for shape in examples.shapes])
    function = Function(fn, examples, chunk_size)
    at_inputs, at_baseline = masked_values(function, examples, x0, everything, np.array([[False], [True]])).T
    change = at_inputs.astype(np.float64) - at_baseline.astype(np.float64)
    totals = [everything.sums(arrays)[:, 0] for arrays in scored.arrays]
    return scored.by_name([Completeness(per_example=total - change, change=change) for total in totals])
