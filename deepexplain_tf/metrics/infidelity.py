"""Infidelity: do attributions predict how a random perturbation of the input changes the target?"""

from collections.abc import Callable
import functools
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_real, require, require_bool, require_seed, require_whole
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import OptionError
from deepexplain_tf.metrics.arguments import Attributions, Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.evaluation import Function
from deepexplain_tf.metrics.masks import masked_values

_ROWS = 512  # perturbed examples in memory at once

Change = tuple[list[np.ndarray], list[np.ndarray]]  # I and x − I
Perturb = Callable[[Any, np.random.Generator], tuple[Any, Any]]


@metric("infidelity", better="lower", contributions=True, comparison_defaults={"perturb": "removal"})
def infidelity(
    fn: Any,
    inputs: Structure,
    attributions: Any,
    *,
    perturb: str | Perturb = "noise",
    noise: float = 0.1,
    n_samples: int = 100,
    normalise: bool = False,
    baseline: Structure = None,
    groups: Any = None,
    seed: int | None = None,
    chunk_size: int | None = None,
) -> Score | dict[str, Score]:
    """Mean over random perturbations I of (Σ Iᵢ·Rᵢ − (f(x) − f(x − I)))², in squared units of the target.

    R is per unit of the input, as a gradient is (`saliency` with `signed=True`). For contributions, R·(x − x₀), use
    `perturb="removal"`, which sets features to x₀, so that Iᵢ·Rᵢ is the contribution of i; or a function `perturb` that
    returns I / (x − x₀) as I. Captum's `infidelity` is the same score, and its `normalize` is `normalise`.

    Args:
      fn: inputs → `[batch]`; for this and the other arguments of all metrics see `deepexplain_tf.metrics`.
      inputs: the examples.
      attributions: one set, or several by name, which get the same perturbations.
      perturb: `"noise"`: I is normal in every element of the float inputs, and 0 in other inputs. `"removal"`, for
        contributions: each feature is set to the baseline with probability 1/2, the same features in every example. Or
        a function `(inputs, generator)` → `(I, perturbed inputs)`, both NumPy arrays in the structure and shapes of
        `inputs`; it is called once for each sample, with the whole batch.
      noise: the standard deviation of I for `"noise"`, > 0, in units of the inputs.
      n_samples: the number of perturbations of each example, ≥ 1.
      normalise: whether Σ Iᵢ·Rᵢ is scaled by the factor β that minimises the score of the example, so that the scale of
        the attributions does not matter.
      baseline: the values of removed features.
      groups: which elements form a feature that is removed.
      seed: seed of the perturbations.
      chunk_size: evaluations of `fn` at once.

    Returns:
      A `Score`, or a dict of them by the names of `attributions`.

    Raises:
      DeepExplainError: an argument does not fit, before `fn` is evaluated; what `perturb` returns does not fit; or `fn`
        fails or is not finite.
      TypeError: `fn` is not a function of one or two arguments, or `perturb` neither a name nor a function.

    References:
      Yeh, Hsieh, Suggala, Inouye, Ravikumar, *On the (In)fidelity and Sensitivity of Explanations*, NeurIPS 2019,
      https://arxiv.org/abs/1901.09392, definition 2.1.
    """
    require(is_real(noise) and noise > 0, "noise", "a number > 0", noise)
    require_whole("n_samples", 1, n_samples)
    require_seed(seed)
    require_bool("normalise", normalise)
    if isinstance(perturb, str):
        require(perturb in ("noise", "removal"), "perturb", "'noise', 'removal' or a function", perturb)
    elif not callable(perturb):
        raise TypeError(f"perturb is a name, or a function of inputs and a generator. Got {type(perturb).__name__}.")
    examples = Examples.read(inputs)
    scored, features = examples.attributions(attributions), examples.features(groups)
    x0 = examples.baseline(baseline)
    generator = np.random.default_rng(seed)
    if perturb == "noise":
        examples.require_float_input()
    function = Function(fn, examples, chunk_size)
    if perturb == "removal":
        removed = generator.random((n_samples, features.count)) < 0.5
        masks = np.concatenate([np.zeros((1, features.count), bool), removed])
        values = masked_values(function, examples, x0, features, masks)
        products = [features.sums(arrays) @ removed.T.astype(np.float64) for arrays in scored.arrays]
    else:
        custom = functools.partial(_user_perturbation, perturb=perturb) if callable(perturb) else None
        draw = functools.partial(custom or functools.partial(_noise_perturbation, noise=noise), examples, generator)
        products, values = _evaluate_samples(function, examples, scored, draw, n_samples)
    values = values.astype(np.float64)
    drops = values[:, :1] - values[:, 1:]
    return scored.by_name([Score(per_example=_score(product, drops, normalise)) for product in products])


def _evaluate_samples(
    function: Function, examples: Examples, scored: Attributions, draw: Callable[[], Any], n_samples: int
) -> tuple[list[np.ndarray], np.ndarray]:
    """Returns Σ Iᵢ·Rᵢ `[batch, samples]` of each set of attributions, and the function at x and at each x − I."""
    evaluate = function.evaluation(lambda rows: rows.per_point)
    predicted: list[list[np.ndarray]] = []
    values: list[np.ndarray] = []
    held = [examples.inputs]  # the first point is x itself
    for left in reversed(range(n_samples)):
        change, points = draw()
        predicted.append([_product(change, arrays) for arrays in scored.arrays])
        held.append(points)
        if len(held) * examples.batch >= _ROWS or not left:
            per_point = [np.stack(arrays, 1) for arrays in zip(*held, strict=True)]
            values.append(evaluate(len(held), [], per_point=per_point))
            held = []
    return [np.stack(columns, 1) for columns in zip(*predicted, strict=True)], np.concatenate(values, 1)


def _score(product: np.ndarray, drops: np.ndarray, normalise: bool) -> np.ndarray:
    """Returns `[batch]` from Σ Iᵢ·Rᵢ and f(x) − f(x − I), `[batch, samples]`."""
    if normalise:
        square = (product**2).sum(1, keepdims=True)
        product = product * (product * drops).sum(1, keepdims=True) / np.where(square > 0, square, 1)
    return ((product - drops) ** 2).mean(1)


def _product(change: list[np.ndarray], attributions: list[np.ndarray]) -> np.ndarray:
    pairs = zip(change, attributions, strict=True)
    return sum((i.astype(np.float64) * r.astype(np.float64)).reshape(len(i), -1).sum(1) for i, r in pairs)


def _noise_perturbation(examples: Examples, generator: np.random.Generator, noise: float) -> Change:
    """Returns I and x − I, with I as rounding to the inputs' dtypes leaves it."""
    points = examples.perturbed(lambda shape: generator.normal(0, noise, shape))
    return [x.astype(np.float64) - point for x, point in zip(examples.inputs, points, strict=True)], points


def _user_perturbation(examples: Examples, generator: np.random.Generator, perturb: Perturb) -> Change:
    """Returns I and x − I from the user's function; DeepExplainError where they do not fit the inputs."""
    pair = perturb(examples.pack([x.copy() for x in examples.inputs]), generator)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise OptionError(f"perturb must return a tuple (I, perturbed inputs). Got {type(pair).__name__}.")
    change, points = (examples.arrays(side, what) for side, what in zip(pair, ("I", "perturbed inputs"), strict=True))
    return change, [point.astype(x.dtype, copy=False) for point, x in zip(points, examples.inputs, strict=True)]
