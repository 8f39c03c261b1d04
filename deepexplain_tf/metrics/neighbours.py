"""How attributions change from x to random x + δ; metrics of stability share it.

- `explain`: a function inputs → attributions, such as a `dx.Explainer`; or several by name, which get the same δ. Give
  an explainer a fixed `target`: the predicted class may change at x + δ.
- `inputs`: the examples. δ is uniform in every element of the float inputs; other inputs stay as they are.
- `radius`: the largest |δᵢ|, > 0, in units of the inputs.
- `n_samples`: the number of δ drawn for each example, ≥ 1. The largest change over all δ is estimated from below.
- `seed`: seed of δ.
- The result is a `Score`, or a dict of them by the names of `explain`.
- DeepExplainError: an argument does not fit, or `explain` does not return finite attributions of the examples.
  TypeError: `explain` is not a function, nor a dict of functions.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score
from deepexplain_tf.metrics.explainers import Explainers

# (Φ(x), Φ(x + δ), x, δ) as float64 `[batch, elements]` → `[batch]`
Change = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def largest_change(
    change: Change, explain: Any, inputs: Structure, radius: float, n_samples: int, seed: int | None
) -> Score | dict[str, Score]:
    """Returns the result of a metric: the largest `change` of each example, NaN where one is not defined."""
    require(is_real(radius) and radius > 0, "radius", "a number > 0", radius)
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    examples, explainers = Examples.read(inputs), Explainers.read(explain)
    examples.require_float_input()
    generator = np.random.default_rng(seed)
    here = _flat(examples.inputs)
    originals = explainers(examples.batch, examples.pack(examples.inputs))
    largest = [np.zeros(examples.batch) for _ in originals]
    for _ in range(n_samples):
        moved = examples.perturbed(lambda shape: generator.uniform(-radius, radius, shape))
        step = _flat(moved) - here
        for place, (new, original) in enumerate(
            zip(explainers.repeat(originals, examples.pack(moved)), originals, strict=True)
        ):
            largest[place] = np.maximum(largest[place], change(original, new, here, step))
    return explainers.by_name([Score(per_example=scores) for scores in largest])


def ratio(above: np.ndarray, below: np.ndarray, otherwise: float) -> np.ndarray:
    """Returns above / below, and `otherwise` where below is 0."""
    return np.where(below > 0, above / np.where(below > 0, below, 1), otherwise)


def _flat(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.reshape(len(array), -1).astype(np.float64) for array in arrays], 1)
