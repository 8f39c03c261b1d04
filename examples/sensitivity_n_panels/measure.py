"""The figures of one trained net: Sensitivity-n of each method, and the agreement of the methods."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from reproductions.data import Data
from reproductions.nets import Net

OCCLUSION, GRADIENT, INTEGRATED, LRP, DEEPLIFT = METHODS = (
    "occlusion",
    "gradient_x_input",
    "integrated_gradients",
    "epsilon_lrp",
    "deeplift",
)
_SMALL_EPSILON = 1e-12
_CHUNK_SIZE, _CHUNK_OF_PHOTOS = 512, 32


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
      examples: the number of explained test examples.
      subsets: the number of random subsets of features for each n.
    """

    examples: int = 150
    subsets: int = 100


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of one net; a method with attributions that are not finite appears only in `lost`.

    Attributes:
      features: the number of features.
      n: `[counts]`, the numbers of features removed at once.
      mean: method → mean over the examples of the correlation, `[counts]`.
      interval: method → 95 % interval of the mean, `[2, counts]`.
      similar: method → method → mean over the examples of the correlation between their attributions.
      identity: the largest ‖ε-LRP − gradient × input‖ / ‖gradient × input‖ of an example, as ε → 0.
      lost: method → fraction of the examples whose attributions are not finite.
      accuracy: the accuracy on all test examples.
      seconds: the seconds of training and of measuring.
    """

    features: int
    n: np.ndarray
    mean: dict[str, np.ndarray]
    interval: dict[str, np.ndarray]
    similar: dict[str, dict[str, float]]
    identity: float
    lost: dict[str, float]
    accuracy: float = float("nan")
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


def measure(net: Net, known: Data, scale: Scale, seed: int) -> Figures:
    """Explains the logits of the true classes and scores the methods; a feature is a pixel, a block or a word."""
    chosen = np.flatnonzero(known.whole)[: scale.examples]
    x, classes = known.test_x[chosen], known.test_y[chosen]
    attributions, small = explain(net, x, classes)
    inputs = net.explained(x)

    def logits(inputs: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
        return tf.gather(net.head(inputs), tf.gather(classes, example), batch_dims=1)

    lost = {name: float(np.mean(~_finite(array))) for name, array in attributions.items()}
    sound = {name: array for name, array in attributions.items() if not lost[name]}
    groups = net.features
    found: Any = dx.metrics.sensitivity_n(
        logits,
        inputs,
        sound,
        subsets=scale.subsets,
        groups=groups,
        seed=seed,
        chunk_size=_CHUNK_SIZE if net.block == 1 else _CHUNK_OF_PHOTOS,
    )
    flat = {name: _per_feature(array, groups) for name, array in sound.items()}
    return Figures(
        features=flat[GRADIENT].shape[1],
        n=found[GRADIENT].n,
        mean={name: found[name].mean for name in sound},
        interval={name: found[name].interval for name in sound},
        similar={one: {other: _similar(flat[one], flat[other]) for other in sound} for one in sound},
        identity=_difference(_per_feature(small, groups), flat[GRADIENT]),
        lost=lost,
    )


def explain(net: Net, x: np.ndarray, classes: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns the attributions of each method against zeros, and ε-LRP's as ε → 0."""
    options: dict[str, dict[str, Any]] = {OCCLUSION: net.one_feature}
    with dx.DeepExplain(net.model, layer=net.layer) as de:
        found = {name: de.explain(name, x, target=classes, **options.get(name, {})).attributions for name in METHODS}
        small = de.explain(LRP, x, target=classes, epsilon=_SMALL_EPSILON).attributions
    return found, small


def _finite(attributions: np.ndarray) -> np.ndarray:
    return np.isfinite(attributions).reshape(len(attributions), -1).all(1)


def _per_feature(attributions: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Returns the sums over features, `[batch, features]` in float64."""
    with np.errstate(invalid="ignore"):  # ∞ - ∞
        return np.stack([np.bincount(groups.ravel(), row.ravel()) for row in attributions.astype(np.float64)])


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    if not np.isfinite(found).all():
        return float("inf")
    return float(np.max(_norms(found - expected) / _norms(expected)))


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)


def _similar(one: np.ndarray, other: np.ndarray) -> float:
    """Returns the mean over the rows of Pearson's correlation."""
    left, right = (rows - rows.mean(1, keepdims=True) for rows in (one, other))
    return float(np.mean((left * right).sum(1) / (_norms(left) * _norms(right))))
