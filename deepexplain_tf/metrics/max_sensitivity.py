"""Max-sensitivity: how far do attributions move when the input moves a little?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.explainers import Explainers


@metric("max_sensitivity", better="lower")
def max_sensitivity(
    explain: Any, inputs: Structure, *, radius: float = 0.02, n_samples: int = 10, seed: int | None = None
) -> Score | dict[str, Score]:
    """Max over δ with |δᵢ| ≤ radius of ‖Φ(x + δ) − Φ(x)‖ / ‖Φ(x)‖, estimated from below by random δ.

    Norms are Euclidean, over all elements of an example; the score is NaN where Φ(x) = 0. δ is uniform in every element
    of the float inputs; other inputs stay as they are. Give an explainer a fixed `target`: the predicted class may
    change at x + δ. Captum's `sensitivity_max` is the same, but takes a norm of 0 as 1. (The paper's definition has no
    denominator, and so compares attributions of one scale only.)

    Args:
      explain: a function inputs → attributions, such as a `dx.Explainer`; or several by name, which get the same δ.
      inputs: the examples.
      radius: the largest |δᵢ|, > 0, in units of the inputs.
      n_samples: the number of δ drawn for each example, ≥ 1.
      seed: seed of δ.

    Returns:
      A `Score`, or a dict of them by the names of `explain`.

    Raises:
      DeepExplainError: an argument does not fit, or `explain` does not return finite attributions of the examples.
      TypeError: `explain` is not a function, nor a dict of functions.

    References:
      Yeh, Hsieh, Suggala, Inouye, Ravikumar, *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019,
      https://arxiv.org/abs/1901.09392.
    """
    require(is_real(radius) and radius > 0, "radius", "a number > 0", radius)
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    examples, explainers = Examples.read(inputs), Explainers.read(explain)
    examples.require_float_input()
    generator = np.random.default_rng(seed)
    originals = explainers(examples.batch, examples.pack(examples.inputs))
    largest = [np.zeros(examples.batch) for _ in originals]
    for _ in range(n_samples):
        moved = examples.pack(examples.perturbed(lambda shape: generator.uniform(-radius, radius, shape)))
        for place, (new, original) in enumerate(zip(explainers.repeat(originals, moved), originals, strict=True)):
            largest[place] = np.maximum(largest[place], np.linalg.norm(new - original, axis=1))
    norms = [np.linalg.norm(original, axis=1) for original in originals]
    scores = [
        np.where(norm > 0, far / np.where(norm > 0, norm, 1), np.nan) for far, norm in zip(largest, norms, strict=True)
    ]
    return explainers.by_name([Score(per_example=score) for score in scores])
