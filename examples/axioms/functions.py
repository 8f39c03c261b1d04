"""Functions of four features on which axioms are tried, each with the place of all methods inside."""

from collections.abc import Callable
import dataclasses

import keras
import numpy as np
import tensorflow as tf

FEATURES = 4
Call = Callable[[tf.Tensor], tf.Tensor]


@dataclasses.dataclass(frozen=True)
class Function:
    """A function of the features.

    Attributes:
      text: how it is written.
      call: `[batch, 4]` → `[batch]`, in float64.
    """

    text: str
    call: Call

    def value(self, x: np.ndarray) -> float:
        """Returns its value at one point `[4]`."""
        return float(self.call(tf.constant(x[np.newaxis]))[0])

    def model(self) -> keras.Model:
        """Returns it as a model of inputs `[batch, 4, 1]`, in which every method finds what it looks at.

        The layer `features` is a convolution that returns the input, at which class activation maps look; the layer
        `value` has one neuron, through which everything flows.
        """
        fixed = {"dtype": "float64"}
        inputs = keras.Input((FEATURES, 1), **fixed)
        same = keras.layers.Conv1D(1, 1, use_bias=False, kernel_initializer="ones", name="features", **fixed)(inputs)
        call = keras.layers.Lambda(lambda x: self.call(x[..., 0])[:, tf.newaxis], (1,), name="value", **fixed)
        return keras.Model(inputs, keras.layers.Activation("linear", **fixed)(call(same)))


SATURATED = Function("1 − ReLU(1 − x₁) + x₂", lambda x: 1 - tf.nn.relu(1 - x[:, 0]) + x[:, 1])
NESTED = Function("ReLU(ReLU(x₁ − 1) − ReLU(x₂))", lambda x: tf.nn.relu(tf.nn.relu(x[:, 0] - 1) - tf.nn.relu(x[:, 1])))
FLAT = Function("ReLU(x₁ − 1 − ReLU(x₂))", lambda x: tf.nn.relu(x[:, 0] - 1 - tf.nn.relu(x[:, 1])))
PRODUCT = Function("x₁ · x₂ + x₃", lambda x: x[:, 0] * x[:, 1] + x[:, 2])
BY_SQUARES = Function(
    "((x₁ + x₂)² − (x₁ − x₂)²) / 4 + x₃",
    lambda x: (tf.square(x[:, 0] + x[:, 1]) - tf.square(x[:, 0] - x[:, 1])) / 4 + x[:, 2],
)
MAXIMUM = Function("max(x₁, x₂) + x₃", lambda x: tf.maximum(x[:, 0], x[:, 1]) + x[:, 2])
BY_RELU = Function("x₁ + ReLU(x₂ − x₁) + x₃", lambda x: x[:, 0] + tf.nn.relu(x[:, 1] - x[:, 0]) + x[:, 2])
LOG_SUM = Function("x₁ + softplus(x₂ − x₁) + x₃", lambda x: x[:, 0] + tf.nn.softplus(x[:, 1] - x[:, 0]) + x[:, 2])
TANH = Function("tanh(x₁ + 2x₂) + x₃", lambda x: tf.tanh(x[:, 0] + 2 * x[:, 1]) + x[:, 2])
BY_SIGMOID = Function("2σ(2x₁ + 4x₂) − 1 + x₃", lambda x: 2 * tf.sigmoid(2 * (x[:, 0] + 2 * x[:, 1])) - 1 + x[:, 2])
ACTIVATIONS = ("relu", "tanh", "softplus")


def network(seed: int, activation: str, *, unused: bool = False, alike: bool = False, split: bool = False) -> Function:
    """Returns a network with a hidden layer and random weights.

    Args:
      seed: seed of the weights.
      activation: `"relu"`, `"tanh"` or `"softplus"`.
      unused: whether nothing depends on the last feature.
      alike: whether the first two features have the same weights.
      split: whether its first hidden unit stands there twice, each time with a part of its outgoing weight.
    """
    generator = np.random.default_rng(seed)
    first, last = generator.normal(size=(FEATURES, 5)), generator.normal(size=5)
    bias, offset = generator.normal(size=5) / 2, generator.normal()
    first[-1] *= not unused
    first[1] = first[0] if alike else first[1]
    if split:
        first, bias = np.append(first, first[:, :1], 1), np.append(bias, bias[0])
        last = np.append(last, 3 * last[0])
        last[0] *= -2
    function = {"relu": tf.nn.relu, "tanh": tf.tanh, "softplus": tf.nn.softplus}[activation]

    def call(x: tf.Tensor) -> tf.Tensor:
        return tf.linalg.matvec(function(x @ first + bias), tf.constant(last)) + offset

    words = (
        f"a {activation} network ({seed})",
        "without x₄" * unused,
        "x₁ and x₂ alike" * alike,
        "a unit twice" * split,
    )
    return Function(", ".join(word for word in words if word), call)


def combined(first: Function, second: Function) -> Function:
    """Returns 2·first − 3·second."""
    return Function(f"2 · [{first.text}] − 3 · [{second.text}]", lambda x: 2 * first.call(x) - 3 * second.call(x))
