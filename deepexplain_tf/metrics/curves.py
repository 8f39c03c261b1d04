"""Curves of the target while features are replaced in the order of their relevance; deletion and insertion share them.

- The score is the area under the curve over the fraction of replaced features, by the trapezoid rule over `steps` + 1
  points, in units of the target.
- Relevance is signed: features that speak against the target come last. Equally relevant features come in the order of
  their numbers (row by row; the first input first).
- `fn`, `inputs`, `baseline`, `chunk_size`: see `deepexplain_tf.metrics`.
- `attributions`: one set, or several by name; the relevance of a feature is the sum over its elements.
- `steps`: the number of steps, ≥ 1, in which about equally many features are replaced; at most one per feature.
- `groups`: which elements form a feature; `"positions"` for the pixels of a picture.
- The result is a `Curve`, or a dict of them by the names of `attributions`.
- DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite. TypeError: `fn`
  is not a function of one or two arguments.
"""

from collections.abc import Callable, Iterator
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Attributions, Examples, Features
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.metrics.evaluation import Arrays, Function
from deepexplain_tf.metrics.masks import Masked

# `at_baseline(ranks, count)` returns booleans `[1 or rows, features]`, True for features at the baseline's value, when
# `count` `[1 or rows, 1]` features are replaced; `ranks` `[1 or rows, features]` is 0 for the most relevant feature.
AtBaseline = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Curve(Score):
    """The area under each example's curve, `per_example` `[batch]`, by the trapezoid rule, in units of the target.

    Attributes:
      curve: `[batch, steps + 1]`, the target at each point.
      fractions: `[steps + 1]`, the fraction of replaced features at each point, from 0 to 1.
    """

    curve: np.ndarray
    fractions: np.ndarray

    @property
    def auc(self) -> np.ndarray:
        """`[batch]`, the area under each curve: `per_example`."""
        return self.per_example

    @property
    def mean_curve(self) -> np.ndarray:
        """`[steps + 1]`, the mean of `curve` over the examples."""
        return self.curve.mean(0)


def curves(
    at_baseline: AtBaseline,
    fn: Any,
    inputs: Structure,
    attributions: Any,
    steps: int,
    baseline: Structure,
    groups: Any,
    chunk_size: int | None,
) -> Curve | dict[str, Curve]:
    """Returns the result of a metric of curves, whose arguments follow `at_baseline`."""
    require_whole("steps", 1, steps)
    examples = Examples.read(inputs)
    scored, x0 = examples.attributions(attributions), examples.baseline(baseline)
    features = examples.features(groups)
    counts = step_counts(features, steps)
    fractions = counts / features.count
    results = []
    for values in replaced(at_baseline, Function(fn, examples, chunk_size), examples, scored, x0, features, counts):
        curve = values.astype(np.float64)
        area = (np.diff(fractions) * (curve[:, 1:] + curve[:, :-1]) / 2).sum(1)
        results.append(Curve(per_example=area, curve=curve, fractions=fractions))
    return scored.by_name(results)


def step_counts(features: Features, steps: int) -> np.ndarray:
    """Returns int32 `[steps + 1]`, from 0 to all features in about equal steps; of fewer features, as many steps."""
    return np.round(np.linspace(0, features.count, min(steps, features.count) + 1)).astype(np.int32)


def replaced(
    at_baseline: AtBaseline,
    function: Function,
    examples: Examples,
    scored: Attributions,
    baseline: Arrays,
    features: Features,
    counts: np.ndarray,
) -> Iterator[np.ndarray]:
    """Yields for each set of attributions the function where `counts` features are replaced, `[batch, counts]`.

    The values have the dtype that the function returns.

    Args:
      at_baseline: which features are replaced first, see `AtBaseline`.
      function: the function.
      examples: the examples.
      scored: the attributions.
      baseline: the values of replaced features, `[1 or batch, ...]` for each input.
      features: the features.
      counts: int32 `[counts]`, the numbers of features that are replaced.
    """
    masked = Masked(
        function,
        examples,
        baseline,
        features,
        lambda rows: at_baseline(rows.per_example[0], tf.gather(rows.shared[0], rows.point)[:, tf.newaxis]),
    )
    for arrays in scored.arrays:
        ranks = _ranks(features.sums(arrays))
        yield masked(len(counts), per_example=[ranks], shared=[counts])


def _ranks(relevance: np.ndarray) -> np.ndarray:
    """Returns the rank of each feature `[batch, features]`, 0 for the most relevant one; ties keep their order."""
    order = np.argsort(-relevance, axis=1, kind="stable")
    places = np.empty(order.shape, np.int32)
    np.put_along_axis(places, order, np.arange(order.shape[1], dtype=np.int32)[np.newaxis], 1)
    return places
