"""Monotonicity correlation: is a feature the more relevant, the more the target depends on its value?"""

from collections.abc import Sequence
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.correlation import spearman
from deepexplain_tf.metrics.evaluation import Function, Rows, rounding_of
from deepexplain_tf.metrics.uniform import uniform_values


@metric("monotonicity_correlation", better="higher")
def monotonicity_correlation(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    n_samples: int = 10,
    value_range: tuple[float, float] | None = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """Spearman's correlation over the features i of |Rᵢ| and E (f(x) − f(x with random values at i))².

    The values are uniform, the same for every example and for all attributions. The score is NaN where a side is
    constant; squares that differ by the rounding of f alone share a rank. Quantus' `MonotonicityCorrelation` is the
    same, but draws in 0 … 1; that it divides by f(x)² changes no rank. Each feature takes `n_samples` evaluations of f:
    choose `groups` for pictures.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name; the relevance of a feature is the sum over its elements.
      n_samples: the number of random values of each feature, ≥ 1.
      value_range: the lowest and the highest value that is drawn; default: those of each input.
      groups: which elements form a feature; they are drawn independently.
      seed: seed of the values.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `Score`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments.

    References:
      Nguyen, Rodríguez Martínez, *On quantitative aspects of model interpretability*, 2020,
      https://arxiv.org/abs/2007.07584, section 3.
    """
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    examples = Examples.read(inputs)
    scored, features = examples.attributions(attributions), examples.features(groups)
    features.require_several("monotonicity_correlation")
    drawn = uniform_values(examples, n_samples, value_range, seed)
    evaluate = Function(fn, examples, chunk_size).evaluation(functools.partial(_points, n_samples=n_samples))
    values = evaluate(1 + features.count * n_samples, examples.inputs, shared=[*features.ids, *drawn])
    drops = np.abs(values[:, 1:].astype(np.float64) - values[:, :1].astype(np.float64))
    lost = rounding_of(values)
    squares = (drops**2).reshape(examples.batch, features.count, n_samples).mean(2)
    rounding = (np.zeros(examples.batch), lost * (2 * drops.max(1) + lost))
    relevances = [np.abs(features.sums(arrays)) for arrays in scored.arrays]
    return scored.by_name([Score(per_example=spearman(r, squares, rounding=rounding)) for r in relevances])


def _points(rows: Rows, n_samples: int) -> Sequence[tf.Tensor]:
    """Returns x for point 0, then x with each sample at feature 0, then at feature 1, and so on."""
    feature = (rows.point + n_samples - 1) // n_samples - 1
    sample = (rows.point - 1) % n_samples
    points = []
    count = len(rows.per_example)
    for x, ids, drawn in zip(rows.per_example, rows.shared[:count], rows.shared[count:], strict=True):
        chosen = ids[tf.newaxis] == tf.reshape(feature, [-1, *[1] * len(ids.shape)])
        points.append(tf.where(chosen, tf.gather(drawn, sample), x))
    return points
