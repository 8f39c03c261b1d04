"""Plain NumPy versions of what the library computes, in float64, to compare with.

A network is a list of layers applied one after the other to `[batch, units]`. Each layer knows its value, its
value in TensorFlow, and how it passes a modified gradient back; a method is what it puts in the place of an
activation's derivative.
"""

from collections.abc import Callable, Sequence
import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import tensorflow as tf

Layers = Sequence[Any]
Function = Callable[[np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Scalar:
    """A function of one number, its derivative, and TensorFlow's form of it."""

    value: Function
    derivative: Function
    in_tensorflow: Callable[[tf.Tensor], tf.Tensor]


def _sigmoid(z: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


SCALARS = {
    "relu": Scalar(lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, tf.nn.relu),
    "tanh": Scalar(np.tanh, lambda z: 1 - np.tanh(z) ** 2, tf.tanh),
    "sigmoid": Scalar(_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z)), tf.sigmoid),
    "softplus": Scalar(lambda z: np.logaddexp(0, z), _sigmoid, tf.math.softplus),
    "square": Scalar(np.square, lambda z: 2 * z, tf.square),
}


@dataclasses.dataclass(frozen=True)
class Dense:
    """z·W + b."""

    weights: np.ndarray
    biases: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z @ self.weights + self.biases

    def in_tensorflow(self, z: tf.Tensor) -> tf.Tensor:
        return tf.matmul(z, tf.constant(self.weights, z.dtype)) + tf.constant(self.biases, z.dtype)

    def backward(self, z: np.ndarray, z0: np.ndarray, upstream: np.ndarray, slope: "Slope") -> np.ndarray:
        del z, z0, slope
        return upstream @ self.weights.T


@dataclasses.dataclass(frozen=True)
class Activation:
    """f(z), element by element."""

    name: str

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return SCALARS[self.name].value(z)

    def in_tensorflow(self, z: tf.Tensor) -> tf.Tensor:
        return SCALARS[self.name].in_tensorflow(z)

    def backward(self, z: np.ndarray, z0: np.ndarray, upstream: np.ndarray, slope: "Slope") -> np.ndarray:
        return upstream * slope(SCALARS[self.name], z, z0)


@dataclasses.dataclass(frozen=True)
class Residual:
    """z + g(z)."""

    layers: Layers

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return z + forward(self.layers, z)

    def in_tensorflow(self, z: tf.Tensor) -> tf.Tensor:
        return z + in_tensorflow(self.layers)(z)

    def backward(self, z: np.ndarray, z0: np.ndarray, upstream: np.ndarray, slope: "Slope") -> np.ndarray:
        return upstream + modified_gradient(self.layers, z, upstream, slope, z0)


@dataclasses.dataclass(frozen=True)
class Gate:
    """g(z)·h(z), element by element; passed back at the average of the two points, Δ(gh) = ḡ·Δh + h̄·Δg."""

    first: Layers
    second: Layers

    def __call__(self, z: np.ndarray) -> np.ndarray:
        return forward(self.first, z) * forward(self.second, z)

    def in_tensorflow(self, z: tf.Tensor) -> tf.Tensor:
        return in_tensorflow(self.first)(z) * in_tensorflow(self.second)(z)

    def backward(self, z: np.ndarray, z0: np.ndarray, upstream: np.ndarray, slope: "Slope") -> np.ndarray:
        means = [(forward(layers, z) + forward(layers, z0)) / 2 for layers in (self.first, self.second)]
        back = [
            modified_gradient(layers, z, upstream * other, slope, z0)
            for layers, other in zip((self.first, self.second), reversed(means), strict=True)
        ]
        return back[0] + back[1]


Slope = Callable[[Scalar, np.ndarray, np.ndarray], np.ndarray]


def numbers(seed: int, *shapes: Any) -> list[np.ndarray]:
    """Returns an array of standard normal numbers of each shape."""
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in shapes]


def random_network(
    seed: int, sizes: Sequence[int], activation: str, *, biases: bool = True, scale: float = 1.0
) -> list[Any]:
    """Returns dense layers of these sizes with an activation after each but the last."""
    generator = np.random.default_rng(seed)
    layers: list[Any] = []
    for units_in, units_out in itertools.pairwise(sizes):
        weights = scale * generator.normal(size=(units_in, units_out)) / math.sqrt(units_in)
        layers += [Dense(weights, biases * generator.normal(size=units_out) / 2), Activation(activation)]
    return layers[:-1]


def branched_network(activation: str) -> list[Any]:
    """Returns a network of every kind of layer, with 4 inputs and 3 outputs."""
    return [
        *random_network(1, [4, 6, 5], activation),
        Activation(activation),
        Residual(random_network(2, [5, 4, 5], activation)),
        Gate(random_network(3, [5, 4], activation), random_network(4, [5, 5, 4], activation)),
        *random_network(5, [4, 3], activation),
    ]


def in_tensorflow(layers: Layers) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns the network as a function of tensors, in the dtype of its input."""

    def network(x: tf.Tensor) -> tf.Tensor:
        for layer in layers:
            x = layer.in_tensorflow(x)
        return x

    return network


def forward(layers: Layers, x: np.ndarray) -> np.ndarray:
    """Returns the network's output `[batch, units]`."""
    for layer in layers:
        x = layer(x)
    return x


def preactivations(layers: Layers, x: np.ndarray) -> list[np.ndarray]:
    """Returns what each activation of a chain of layers receives."""
    found = []
    for layer in layers:
        if isinstance(layer, Activation):
            found.append(x)
        x = layer(x)
    return found


def modified_gradient(
    layers: Layers, x: np.ndarray, upstream: np.ndarray, slope: Slope, baseline: np.ndarray | None = None
) -> np.ndarray:
    """Returns ∂(upstream · f)/∂x with `slope(f, z, z₀)` in the place of each activation's derivative."""
    x0 = x if baseline is None else np.broadcast_to(baseline, x.shape)
    points = []
    for layer in layers:
        points.append((layer, x, x0))
        x, x0 = layer(x), layer(x0)
    upstream = np.broadcast_to(upstream, x.shape)
    for layer, z, z0 in reversed(points):
        upstream = layer.backward(z, z0, upstream, slope)
    return upstream


def unit(layers: Layers, x: np.ndarray, target: int) -> np.ndarray:
    """Returns the upstream gradient that selects one output, `[1, units]`."""
    return np.eye(forward(layers, x[:1]).shape[1])[[target]]


def gradient(layers: Layers, x: np.ndarray, target: int) -> np.ndarray:
    """Returns ∂y/∂x for one output."""
    return modified_gradient(layers, x, unit(layers, x, target), lambda f, z, z0: f.derivative(z))


def rectified_gradient(layers: Layers, x: np.ndarray, target: int, *, where_open: bool) -> np.ndarray:
    """Returns the gradient of a chain in which each ReLU passes what is positive: an open one alone, or any."""
    points = [x]
    for layer in layers:
        points.append(layer(points[-1]))
    upstream = np.broadcast_to(unit(layers, x, target), points[-1].shape)
    for layer, z in zip(reversed(layers), reversed(points[:-1]), strict=True):
        if layer == Activation("relu"):
            upstream = np.maximum(upstream, 0) * ((z > 0) if where_open else 1)
        else:
            upstream = layer.backward(z, z, upstream, lambda f, z, z0: f.derivative(z))
    return upstream


def epsilon_lrp(layers: Layers, x: np.ndarray, target: int, epsilon: float) -> np.ndarray:
    """Returns x times the gradient with f(z)/(z + ε·sign z), sign(0) = +1 (Ancona et al. 2018, Prop. 1)."""

    def slope(function: Scalar, z: np.ndarray, z0: np.ndarray) -> np.ndarray:
        return function.value(z) / (z + epsilon * np.where(z >= 0, 1.0, -1.0))

    return x * modified_gradient(layers, x, unit(layers, x, target), slope)


def rescale_slope(function: Scalar, z: np.ndarray, z0: np.ndarray) -> np.ndarray:
    """Returns Δf/Δz, or the derivative where Δz is 0."""
    run = z - z0
    secant = (function.value(z) - function.value(z0)) / np.where(run == 0, 1, run)
    return np.where(run == 0, function.derivative(z), secant)


def deeplift(layers: Layers, x: np.ndarray, baseline: np.ndarray, target: int) -> np.ndarray:
    """Returns (x − x₀)·m with the Rescale rule (Shrikumar et al. 2017)."""
    return (x - baseline) * modified_gradient(layers, x, unit(layers, x, target), rescale_slope, baseline)


def kinks(layers: Layers, x: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """Returns 0, 1 and each α between at which a ReLU of a chain switches on the path to one example.

    The net is linear between two of them, so those of a layer are exact once those before it are known.
    """
    edges = np.array([0.0, 1.0])
    for depth, layer in enumerate(layers):
        if not isinstance(layer, Activation):
            continue
        points = baseline + edges[:, np.newaxis] * (x - baseline)
        z = forward(layers[:depth], points)
        low, high = z[:-1], z[1:]
        switch = low * high < 0
        share = (low / np.where(switch, low - high, 1))[switch]
        panels = np.nonzero(switch)[0]
        inner = edges[panels] + share * np.diff(edges)[panels]
        edges = np.unique(np.concatenate([edges, inner]))
    return edges


def mean_gradient(
    layers: Layers, x: np.ndarray, baseline: np.ndarray, target: int, edges: np.ndarray | None = None
) -> np.ndarray:
    """Returns ∫₀¹ ∂y/∂x (x₀ + α(x − x₀)) dα for one example, by 20 Gauss–Legendre nodes between `edges`."""
    edges = np.linspace(0, 1, 33) if edges is None else edges
    nodes, weights = np.polynomial.legendre.leggauss(20)
    widths = np.diff(edges)[:, np.newaxis]
    alphas = (edges[:-1, np.newaxis] + widths * (nodes + 1) / 2).ravel()
    gradients = gradient(layers, baseline + alphas[:, np.newaxis] * (x - baseline), target)
    return (widths * weights / 2).ravel() @ gradients


def integrated_gradients(layers: Layers, x: np.ndarray, baseline: np.ndarray, target: int) -> np.ndarray:
    """Returns Integrated Gradients of a batch: exact on chains with ReLU, else to about 1e-13."""
    starts = np.broadcast_to(baseline, x.shape)
    piecewise = all(isinstance(layer, Dense) or layer == Activation("relu") for layer in layers)
    edges = [kinks(layers, end, start) if piecewise else None for end, start in zip(x, starts, strict=True)]
    means = [mean_gradient(layers, *ends, target, at) for *ends, at in zip(x, starts, edges, strict=True)]
    return (x - starts) * np.stack(means)


def occlusion(
    function: Callable[..., np.ndarray],
    inputs: Sequence[np.ndarray],
    baselines: Sequence[np.ndarray],
    windows: Sequence[Sequence[int]],
    strides: Sequence[Sequence[int]],
    normalise: str,
) -> list[np.ndarray]:
    """Returns for each input the summed drops of `function(*inputs)` `[batch]`, a window at a time.

    Along each axis windows start at 0, stride, 2·stride, … until one reaches the end, where it is clipped.
    """
    results = []
    for number, (x, window, stride) in enumerate(zip(inputs, windows, strides, strict=True)):
        total, covering = np.zeros(x.shape), np.zeros(x.shape[1:])
        starts = [
            range(0, min(length, length - size + step), step)
            for length, size, step in zip(x.shape[1:], window, stride, strict=True)
        ]
        for corner in itertools.product(*starts):
            place = tuple(slice(start, start + size) for start, size in zip(corner, window, strict=True))
            occluded = np.array(x)
            occluded[(slice(None), *place)] = np.broadcast_to(baselines[number], x.shape)[(slice(None), *place)]
            drop = function(*inputs) - function(*inputs[:number], occluded, *inputs[number + 1 :])
            total[(slice(None), *place)] += drop.reshape(-1, *[1] * len(place))
            covering[place] += 1
        divisor = {"count": covering, "window": covering * math.prod(window), "none": np.ones_like(covering)}
        with np.errstate(invalid="ignore"):
            results.append(np.where(covering > 0, total / divisor[normalise], np.nan))
    return results


def shapley(
    function: Callable[..., np.ndarray],
    inputs: Sequence[np.ndarray],
    baselines: Sequence[np.ndarray],
    players: Sequence[np.ndarray],
) -> np.ndarray:
    """Returns exact Shapley values `[batch, players]`, by all subsets.

    Args:
      function: takes arrays like `inputs`, returns `[batch]`.
      inputs: one array `[batch, ...]` each.
      baselines: what absent players have, likewise.
      players: for each input the number of the player that each feature belongs to, counted from 0.
    """
    n_players = 1 + max(int(ids.max()) for ids in players)
    worth = {
        subset: function(
            *(
                np.where(np.isin(ids, subset), x, start)
                for x, start, ids in zip(inputs, baselines, players, strict=True)
            )
        )
        for size in range(n_players + 1)
        for subset in itertools.combinations(range(n_players), size)
    }
    values = np.zeros((n_players, len(inputs[0])))
    for player in range(n_players):
        for subset, before in worth.items():
            if player not in subset:
                chance = math.factorial(len(subset)) * math.factorial(n_players - len(subset) - 1)
                after = worth[tuple(sorted((*subset, player)))]
                values[player] += chance / math.factorial(n_players) * (after - before)
    return values.T


def numeric_gradient(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Returns the central difference of `function` `[batch]` by each feature of x."""
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape[1:]):
        away = np.zeros(x.shape)
        away[(slice(None), *index)] = step
        result[(slice(None), *index)] = (function(x + away) - function(x - away)) / (2 * step)
    return result
