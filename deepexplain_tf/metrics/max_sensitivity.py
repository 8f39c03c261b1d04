"""Max-sensitivity: how far do attributions move when the input hardly does?"""

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

    Euclidean norms over all elements of an example; NaN where Φ(x) = 0. δ is uniform in every element of the float
    inputs; others stay as they are. Where an explainer is to explain one class, give it that `target`: the predicted
    class may be another at x + δ. The same as captum's `sensitivity_max`, but that takes a norm of 0 as 1. (The
    paper defines it without the denominator, which compares attributions of one scale only.)

    Args:
      explain: inputs → attributions, such as a `dx.Explainer`; or several by name, which get the same δ.
      inputs: the examples.
      radius: > 0, in units of the inputs.
      n_samples: how many δ are drawn for each example, ≥ 1.
      seed: of δ.

    Returns:
      A `Score`, or a dict of them by the names of `explain`.

    Raises:
      DeepExplainError: any argument that does not fit.

    References:
      Yeh, Hsieh, Suggala, Inouye, Ravikumar, *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019,
      https://arxiv.org/abs/1901.09392.
    """
    require(is_real(radius) and radius > 0, "radius", "a number > 0", radius)
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    examples, explainers = Examples.read(inputs), Explainers.read(explain)
    examples.require_floats()
    generator = np.random.default_rng(seed)
    originals = explainers(examples.batch, examples.pack(examples.inputs))
    largest = [np.zeros(examples.batch) for _ in originals]
    for _ in range(n_samples):
        moved = examples.pack(examples.moved(lambda shape: generator.uniform(-radius, radius, shape)))
        for place, (there, here) in enumerate(zip(explainers.again(originals, moved), originals, strict=True)):
            largest[place] = np.maximum(largest[place], np.linalg.norm(there - here, axis=1))
    norms = [np.linalg.norm(here, axis=1) for here in originals]
    scores = [
        np.where(norm > 0, far / np.where(norm > 0, norm, 1), np.nan) for far, norm in zip(largest, norms, strict=True)
    ]
    return explainers.named([Score(per_example=score) for score in scores])
