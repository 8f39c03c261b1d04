"""The confidence in what attributions show of an input; average drop and average increase compare it with that in all.

The map of an example is m = max(R, 0) / max R, so that the most relevant feature has 1, and a feature that does not
speak for the target 0. What it shows of x is x₀ + m·(x − x₀), that is m·x without a baseline.

- `fn`: inputs → `[batch]`, a probability: `dx.compare` has it with `output="model"`. See `deepexplain_tf.metrics`, also
  for `chunk_size`.
- `inputs`: the examples. The map changes float inputs; other inputs stay as they are.
- `attributions`: one set, or several by name; the relevance of a feature is the sum over its elements.
- `baseline`: x₀.
- `groups`: which elements form a feature; `"positions"` for the pixels of a picture.
- The score is NaN for an example in which nothing speaks for the target.
- The result is a `Score`, or a dict of them by the names of `attributions`.
- DeepExplainError: an argument does not fit, before `fn` is evaluated; or `fn` fails, or is no probability. TypeError:
  `fn` is not a function of one or two arguments.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import ModelError
from deepexplain_tf.metrics.arguments import Examples, Features
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.metrics.evaluation import Arrays, Function


def score_confidence(
    scored: Callable[[np.ndarray, np.ndarray], np.ndarray],
    fn: Any,
    inputs: Structure,
    attributions: Any,
    baseline: Structure,
    groups: Any,
    chunk_size: int | None,
) -> Score | dict[str, Score]:
    """Returns the result of a metric, whose arguments follow `scored`.

    `scored` takes the probabilities of x and of what the map shows of it, both `[batch]`, and returns `[batch]`.
    """
    examples = Examples.read(inputs)
    sets, x0 = examples.attributions(attributions), examples.baseline(baseline)
    features = examples.features(groups)
    examples.require_float_input()
    function = Function(fn, examples, chunk_size)
    maps = [np.maximum(features.sums(arrays), 0) for arrays in sets.arrays]
    largest = [one.max(1) for one in maps]
    shown = [_shown(examples, x0, features, *pair) for pair in zip(maps, largest, strict=True)]
    points = [np.stack(arrays, 1) for arrays in zip(examples.inputs, *shown, strict=True)]
    values = function.evaluation(lambda rows: rows.per_point)(1 + len(shown), [], per_point=points)
    values = values.astype(np.float64)
    outside = values[(values < 0) | (values > 1)]
    if outside.size:
        raise ModelError(f"fn must return probabilities, from 0 to 1, as output='model' does. Got {outside[0]:.4g}.")
    scores = [scored(values[:, 0], after) for after in values[:, 1:].T]
    return sets.by_name(
        [Score(per_example=np.where(most > 0, score, np.nan)) for score, most in zip(scores, largest, strict=True)]
    )


def _shown(
    examples: Examples, baseline: Arrays, features: Features, relevance: np.ndarray, largest: np.ndarray
) -> Sequence[np.ndarray]:
    """Returns x₀ + m·(x − x₀) for each input, in its dtype."""
    normalised = relevance / np.where(largest > 0, largest, 1)[:, np.newaxis]
    return [
        x if x.dtype.kind in "biu" else (x0 + normalised[:, ids] * (x.astype(np.float64) - x0)).astype(x.dtype)
        for x, x0, ids in zip(examples.inputs, baseline, features.ids, strict=True)
    ]
