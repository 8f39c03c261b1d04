"""Relative input stability: by which factor of the input's relative change do attributions change?"""

import functools
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.neighbours import largest_change


@metric("relative_input_stability", better="lower", aliases=("ris",))
def relative_input_stability(
    explain: Any,
    inputs: Structure,
    *,
    radius: float = 0.02,
    n_samples: int = 10,
    epsilon: float = 1e-6,
    seed: int | None = None,
) -> Score | dict[str, Score]:
    """Max over δ with |δᵢ| ≤ radius of ‖(Φ(x + δ) − Φ(x)) / Φ(x)‖ / max(‖δ / x‖, ε), estimated from below by random δ.

    Quotients are element by element, with ε in the place of a 0 below; norms are Euclidean, over all elements of an
    example. An element whose attribution is 0 at x and not at x + δ therefore counts with 1/ε: the score is for
    attributions that are rarely 0. Quantus' `RelativeInputStability` has ε in the same places, and no score where the
    predicted class changes at x + δ, which this metric does not know. For the other arguments, result and errors see
    `deepexplain_tf.metrics.neighbours`.

    Args:
      explain: a function inputs → attributions, or several by name.
      inputs: the examples.
      radius: the largest |δᵢ|, > 0, in units of the inputs.
      n_samples: the number of δ drawn for each example, ≥ 1.
      epsilon: ε, > 0.
      seed: seed of δ.

    References:
      Agarwal, Johnson, Pawelczyk, Krishna, Saxena, Zitnik, Lakkaraju, *Rethinking Stability for Attribution-based
      Explanations*, 2022, https://arxiv.org/abs/2203.06877, definition 2.
    """
    require(is_real(epsilon) and epsilon > 0, "epsilon", "a number > 0", epsilon)
    return largest_change(functools.partial(_factor, epsilon), explain, inputs, radius, n_samples, seed)


def _factor(epsilon: float, original: np.ndarray, new: np.ndarray, here: np.ndarray, step: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):  # of quotients that no float holds, which have no score
        below = np.linalg.norm(step / np.where(here == 0, epsilon, here), axis=1)
        above = np.linalg.norm((new - original) / np.where(original == 0, epsilon, original), axis=1)
        factor = above / np.maximum(below, epsilon)
    return np.where(np.isfinite(above), factor, np.nan)
