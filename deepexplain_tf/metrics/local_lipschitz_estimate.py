"""Local Lipschitz estimate: how far do attributions move for each step of the input?"""

from typing import Any

import numpy as np

from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.neighbours import largest_change, ratio


@metric("local_lipschitz_estimate", better="lower", aliases=("stability",))
def local_lipschitz_estimate(
    explain: Any, inputs: Structure, *, radius: float = 0.02, n_samples: int = 10, seed: int | None = None
) -> Score | dict[str, Score]:
    """Max over δ with |δᵢ| ≤ radius of ‖Φ(x + δ) − Φ(x)‖ / ‖δ‖, estimated from below by random δ.

    Norms are Euclidean, over all elements of an example. The score is in units of the attributions for each unit of the
    input, and so compares attributions of one scale only; `max_sensitivity` and `relative_input_stability` are free of
    it. Quantus' `LocalLipschitzEstimate` is the same, with normal δ of any length, and attributions divided by their
    largest value. For arguments, result and errors see `deepexplain_tf.metrics.neighbours`.

    References:
      Alvarez-Melis, Jaakkola, *On the Robustness of Interpretability Methods*, 2018, https://arxiv.org/abs/1806.08049,
      equation 2.
    """
    return largest_change(_slope, explain, inputs, radius, n_samples, seed)


def _slope(original: np.ndarray, new: np.ndarray, here: np.ndarray, step: np.ndarray) -> np.ndarray:
    return ratio(np.linalg.norm(new - original, axis=1), np.linalg.norm(step, axis=1), 0)
