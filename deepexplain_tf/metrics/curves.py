"""Curves of the target while features are replaced in the order of their relevance, and what their metrics share.

- The score is the area under the curve over the fraction of the features that are replaced, by the trapezoid rule over
  `steps` + 1 points, in units of the target.
- Signed relevance counts: features that speak against the target come last. Equally relevant features come in the order
  of their numbers (row by row; the first input first).
- `fn`, `inputs`, `baseline`, `chunk_size`: as for all metrics, see `deepexplain_tf.metrics`.
- `attributions`: one or several; features of several elements have the sum of their attributions.
- `steps`: how many times about equally many features are replaced, ≥ 1; no more than there are features.
- `groups`: what a feature is; `"positions"` for the pixels of a picture.
- The result is a `Curve`, or a dict of them by the names of `attributions`. DeepExplainError is raised for any argument
  that does not fit, before `fn` is evaluated.
"""

from collections.abc import Callable
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.masks import Masked


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Curve(Score):
    """The area under each example's curve, `per_example` `[batch]`, by the trapezoid rule, in units of the target.

    Attributes:
      curve: `[batch, steps + 1]`, the target.
      fractions: `[steps + 1]`, from 0 to 1, which part of the features is replaced.
    """

    curve: np.ndarray
    fractions: np.ndarray

    @property
    def auc(self) -> np.ndarray:
        """`[batch]`, the same as `per_example`."""
        return self.per_example

    @property
    def mean_curve(self) -> np.ndarray:
        """`[steps + 1]`, the mean over the examples."""
        return self.curve.mean(0)


def curves(
    at_baseline: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    fn: Any,
    inputs: Structure,
    attributions: Any,
    steps: int,
    baseline: Structure,
    groups: Any,
    chunk_size: int | None,
) -> Curve | dict[str, Curve]:
    """Returns what a metric of curves returns; its arguments follow `at_baseline`.

    `at_baseline(ranks, count)` says which features have the baseline's value when `count` `[1 or rows, 1]` of them are
    replaced; in `ranks` `[1 or rows, features]` the most relevant feature has 0.
    """
    require_whole("steps", 1, steps)
    examples = Examples.read(inputs)
    scored, x0 = examples.attributions(attributions), examples.baseline(baseline)
    features = examples.features(groups)
    steps = min(steps, features.count)
    counts = np.round(np.linspace(0, features.count, steps + 1)).astype(np.int32)
    masked = Masked(
        Function(fn, examples, chunk_size),
        examples,
        x0,
        features,
        lambda rows: at_baseline(rows.per_example[0], tf.gather(rows.shared[0], rows.point)[:, tf.newaxis]),
    )
    fractions = counts / features.count
    results = []
    for arrays in scored.arrays:
        curve = masked(steps + 1, per_example=[_places(features.sums(arrays))], shared=[counts]).astype(np.float64)
        area = (np.diff(fractions) * (curve[:, 1:] + curve[:, :-1]) / 2).sum(1)
        results.append(Curve(per_example=area, curve=curve, fractions=fractions))
    return scored.named(results)


def _places(relevance: np.ndarray) -> np.ndarray:
    """Returns the place of each feature `[batch, features]`, the most relevant first, equal ones in their order."""
    order = np.argsort(-relevance, axis=1, kind="stable")
    places = np.empty(order.shape, np.int32)
    np.put_along_axis(places, order, np.arange(order.shape[1], dtype=np.int32)[np.newaxis], 1)
    return places
