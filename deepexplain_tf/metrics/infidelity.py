"""Infidelity: do attributions predict what a random change of the input does to the target?"""

from collections.abc import Callable
import functools
from typing import Any

import numpy as np

from deepexplain_tf.errors import OptionError
from deepexplain_tf.metrics.base import METRICS, Score
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.given import Given
from deepexplain_tf.options import is_real, require, require_seed, require_whole
from deepexplain_tf.types import Structure

_ROWS = 512  # perturbed examples that are held at once

Perturb = Callable[[Any, np.random.Generator], tuple[Any, Any]]


@METRICS.register("infidelity")
def infidelity(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    noise: float = 0.1,
    perturb: Perturb | None = None,
    n_samples: int = 100,
    normalise: bool = False,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """Mean over random perturbations I of (Σ Iᵢ·Rᵢ − (f(x) − f(x − I)))², in squared units of the target.

    R is per unit of a feature, as a gradient is (`saliency` with `signed=True`). Attributions that are contributions,
    R·(x − x₀), are divided by x − x₀ first; or `perturb` returns I / (x − x₀) as I. The score is that of captum's
    `infidelity`, and `normalise` is its `normalize`.

    Args:
      fn: inputs → `[batch]`; this and what is not listed here as for all metrics, see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one or several, which get the same perturbations.
      noise: the standard deviation of I, > 0, in units of the inputs: I is normal in every element of the float inputs,
        and 0 in others.
      perturb: instead, `(inputs, generator)` → `(I, perturbed inputs)`, both in the structure and shapes of `inputs`,
        NumPy arrays; called once for each sample with the whole batch.
      n_samples: how many perturbations each example gets, ≥ 1.
      normalise: whether Σ Iᵢ·Rᵢ is scaled by the factor β that makes the score of an example smallest, so that the
        scale of attributions does not matter.
      seed: of the perturbations.
      chunk_size: evaluations at once.

    Returns:
      A `Score`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: any argument that does not fit, before `fn` is evaluated.

    References:
      Yeh, Hsieh, Suggala, Inouye, Ravikumar, *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019,
      https://arxiv.org/abs/1901.09392, definition 2.1.
    """
    require(is_real(noise) and noise > 0, "noise", "a number > 0", noise)
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    require(isinstance(normalise, bool), "normalise", "True or False", normalise)
    if perturb is not None and not callable(perturb):
        raise TypeError(f"perturb is a function of inputs and a generator. Got {type(perturb).__name__}.")
    given = Given.read(inputs)
    scored = given.attributions(attributions)
    if perturb is None:
        given.require_floats()
    generator = np.random.default_rng(seed)
    draw = functools.partial(_drawn, perturb=perturb) if perturb else functools.partial(_noisy, noise=noise)
    evaluate = Function(fn, given, chunk_size).at(lambda rows: rows.each)
    foretold: list[list[np.ndarray]] = []
    values: list[np.ndarray] = []
    held = [given.inputs]  # the first point is x itself
    for left in reversed(range(n_samples)):
        change, points = draw(given, generator)
        foretold.append([_product(change, arrays) for arrays in scored.arrays])
        held.append(points)
        if len(held) * given.batch >= _ROWS or not left:
            each = [np.stack(arrays, 1) for arrays in zip(*held, strict=True)]
            values.append(evaluate(len(held), [], each=each).astype(np.float64))
            held = []
    drops = np.concatenate(values, 1)
    drops = drops[:, :1] - drops[:, 1:]
    products = [np.stack(columns, 1) for columns in zip(*foretold, strict=True)]
    return scored.named([Score(per_example=_score(product, drops, normalise)) for product in products])


def _score(product: np.ndarray, drops: np.ndarray, normalise: bool) -> np.ndarray:
    """Returns `[batch]` from Σ Iᵢ·Rᵢ and f(x) − f(x − I), `[batch, samples]`."""
    if normalise:
        square = (product**2).sum(1, keepdims=True)
        product = product * (product * drops).sum(1, keepdims=True) / np.where(square > 0, square, 1)
    return ((product - drops) ** 2).mean(1)


def _product(change: list[np.ndarray], attributions: list[np.ndarray]) -> np.ndarray:
    pairs = zip(change, attributions, strict=True)
    return sum((i.astype(np.float64) * r.astype(np.float64)).reshape(len(i), -1).sum(1) for i, r in pairs)


def _noisy(given: Given, generator: np.random.Generator, noise: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns I and x − I, of which I is what is left in the inputs' dtypes."""
    points = given.moved(lambda shape: generator.normal(0, noise, shape))
    return [x.astype(np.float64) - point for x, point in zip(given.inputs, points, strict=True)], points


def _drawn(given: Given, generator: np.random.Generator, perturb: Perturb) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns I and x − I as the user's function has them."""
    pair = perturb(given.pack([x.copy() for x in given.inputs]), generator)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise OptionError(f"perturb must return a tuple (I, perturbed inputs). Got {type(pair).__name__}.")
    change, points = (given.arrays(side, what) for side, what in zip(pair, ("I", "perturbed inputs"), strict=True))
    return change, [point.astype(x.dtype, copy=False) for point, x in zip(points, given.inputs, strict=True)]
