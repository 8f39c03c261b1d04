"""What is measured of one trained net: Sensitivity-n of each method, and how far the methods agree."""

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from sensitivity_n_panels.data import Data
from sensitivity_n_panels.nets import Net, Sizes

OCCLUSION, GRADIENT, INTEGRATED, LRP, DEEPLIFT = METHODS = (
    "occlusion",
    "gradient_x_input",
    "integrated_gradients",
    "epsilon_lrp",
    "deeplift",
)
_MOST = 0.8  # of the features are removed
_SMALL_EPSILON = 1e-12


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of one net.

    Attributes:
      features: how many there are.
      n: how many features are removed `[counts]`.
      mean: method → mean over the examples of the correlations `[counts]`.
      interval: method → its 95 % interval `[2, counts]`.
      similar: method → method → mean over the examples of the correlation of their attributions.
      identity: the largest ‖ε-LRP − gradient × input‖ / ‖gradient × input‖ of an example, as ε → 0.
      size: method → mean over the examples of ‖attributions‖ / ‖Integrated Gradients‖.
      accuracy: on all test examples.
      seconds: what training and the rest took.
    """

    features: int
    n: np.ndarray
    mean: dict[str, np.ndarray]
    interval: dict[str, np.ndarray]
    similar: dict[str, dict[str, float]]
    identity: float
    size: dict[str, float]
    accuracy: float = float("nan")
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)


def counts(features: int, number: int) -> np.ndarray:
    """Returns values of n, evenly spaced by their logarithm."""
    return np.unique(np.round(np.geomspace(1, max(_MOST * features, 1), number)).astype(int))


def measure(net: Net, known: Data, sizes: Sizes, seed: int) -> Figures:
    """Explains the logits of the true classes, and removes features."""
    chosen = np.flatnonzero(known.whole)[: sizes.examples]
    x, classes = known.test_x[chosen], known.test_y[chosen]
    attributions, small = explain(net, x, classes)
    inputs = net.explained(x)
    groups = _groups(net, inputs.shape[1:])
    features = int(groups.max()) + 1
    n = counts(features, sizes.counts)
    found = dx.metrics.sensitivity_n(
        _outputs(net, classes), inputs, attributions, n=n, subsets=sizes.subsets, groups=groups, seed=seed
    )
    flat = {name: _per_feature(array, groups) for name, array in attributions.items()}
    return Figures(
        features=features,
        n=n,
        mean={name: np.asarray(found[name].mean) for name in METHODS},
        interval={name: np.asarray(found[name].interval) for name in METHODS},
        similar={one: {other: _similar(flat[one], flat[other]) for other in METHODS} for one in METHODS},
        identity=float(np.max(_norms(_per_feature(small, groups) - flat[GRADIENT]) / _norms(flat[GRADIENT]))),
        size={name: float(np.mean(_norms(flat[name]) / _norms(flat[INTEGRATED]))) for name in METHODS},
    )


def explain(net: Net, x: np.ndarray, classes: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns the attributions of each method against zeros, and ε-LRP's as ε → 0."""
    options: dict[str, dict[str, Any]] = {name: {} for name in METHODS}
    if net.layer is not None:
        # The window is one word, whose drop is shared out among the word's numbers.
        width = net.head.input_shape[-1]
        options[OCCLUSION] = {"window_shape": (1, width), "strides": (1, width), "normalise": "window"}
    with dx.DeepExplain(net.model, layer=net.layer) as de:
        found = {name: de.explain(name, x, target=classes, **options[name]).attributions for name in METHODS}
        small = de.explain(LRP, x, target=classes, epsilon=_SMALL_EPSILON).attributions
    return found, small


def _groups(net: Net, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the number of each element's feature."""
    if net.layer is None:
        return np.arange(np.prod(shape)).reshape(shape)
    return np.broadcast_to(np.arange(shape[0])[:, np.newaxis], shape)


def _outputs(net: Net, classes: np.ndarray) -> Any:
    """Returns what is explained, as a function of features and of their examples' numbers."""

    @tf.function(reduce_retracing=True)
    def logits(inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return tf.gather(net.head(inputs), targets, batch_dims=1)

    return lambda inputs, example: logits(tf.constant(inputs), tf.constant(classes[example])).numpy()


def _per_feature(attributions: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Returns attributions `[batch, features]` in float64."""
    features = int(groups.max()) + 1
    return np.stack([np.bincount(groups.ravel(), row.ravel(), features) for row in attributions])


def _norms(rows: np.ndarray) -> np.ndarray:
    return np.linalg.norm(rows, axis=1)


def _similar(one: np.ndarray, other: np.ndarray) -> float:
    centred = [rows - rows.mean(1, keepdims=True) for rows in (one, other)]
    return float(np.mean((centred[0] * centred[1]).sum(1) / (_norms(centred[0]) * _norms(centred[1]))))
