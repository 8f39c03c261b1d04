"""A network in NumPy and in Keras, whose layer's conductance has an integral that NumPy takes by itself."""

import functools

import keras
import numpy as np

from tests.models import filled, floats

X = np.random.default_rng(2).normal(size=(3, 4))
START = np.array([0.3, -0.2, 0.1, 0.4])


@functools.cache
def network() -> keras.Model:
    """Tanh and softplus layers, called `first` and `second`, in float64."""
    with floats("float64"):
        inputs = keras.Input((4,), name="features")
        first = keras.layers.Dense(5, activation="tanh", name="first")(inputs)
        second = keras.layers.Dense(3, activation="softplus", name="second")(first)
        return filled(keras.Model(inputs, keras.layers.Dense(2, name="last")(second)))


def values(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the outputs of the layers `first`, `second` and `last`, by NumPy."""
    (a, b, c, d, e, f) = (weight.numpy() for weight in network().weights)
    first = np.tanh(x @ a + b)
    second = np.logaddexp(0, first @ c + d)
    return first, second, second @ e + f


def derivatives(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Returns ∂first/∂x, ∂second/∂first `[batch, inputs, outputs]`, and the gradients of `last` 1 there, by NumPy."""
    (a, b, c, d, e, _) = (weight.numpy() for weight in network().weights)
    first = np.tanh(x @ a + b)
    through_first = a * (1 - first**2)[:, None]
    through_second = c / (1 + np.exp(-(first @ c + d)))[:, None]
    of_second = np.broadcast_to(e[:, 1], (len(x), 3))
    return through_first, through_second, np.einsum("bij,bj->bi", through_second, of_second), of_second


def along(integrand: object, n: int = 40) -> np.ndarray:
    """Returns the mean of `integrand(points)` along the lines from START to X, by Gauss-Legendre of NumPy."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return sum(w / 2 * integrand(START + (1 + t) / 2 * (X - START)) for t, w in zip(nodes, weights, strict=True))
