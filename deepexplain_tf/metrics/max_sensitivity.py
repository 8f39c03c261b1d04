"""Max-sensitivity: how far do attributions move when the input moves a little?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.neighbours import largest_change, ratio


@metric("max_sensitivity", better="lower")
def max_sensitivity(
    explain: Any, inputs: Structure, *, radius: float = 0.02, n_samples: int = 10, seed: int | None = None
) -> Score | dict[str, Score]:
    """Max over δ with |δᵢ| ≤ radius of ‖Φ(x + δ) − Φ(x)‖ / ‖Φ(x)‖, estimated from below by random δ.

    Norms are Euclidean, over all elements of an example; the score is NaN where Φ(x) = 0. Captum's `sensitivity_max` is
    the same, but takes a norm of 0 as 1. (The paper's definition has no denominator, and so compares attributions of
    one scale only.) For arguments, result and errors see `deepexplain_tf.metrics.neighbours`.

    References:
      Yeh, Hsieh, Suggala, Inouye, Ravikumar, *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019,
      https://arxiv.org/abs/1901.09392.
    """
    return largest_change(_relative, explain, inputs, radius, n_samples, seed)


def _relative(original: np.ndarray, new: np.ndarray, here: np.ndarray, step: np.ndarray) -> np.ndarray:
    return ratio(np.linalg.norm(new - original, axis=1), np.linalg.norm(original, axis=1), np.nan)
