"""What the examples share: one call for an explanation, and random networks; all in float64."""

from collections.abc import Callable
import itertools
from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx

Call = Callable[[tf.Tensor], tf.Tensor]


def attributions(function: Call, x: Any, method: str, **options: Any) -> np.ndarray:
    """Returns the attributions of a function `[batch, ...]` → `[batch]` at one point."""
    with dx.DeepExplain(function) as de:
        return de.explain(method, np.array([x], np.float64), **options).attributions[0]


def random_network(seed: int, depth: int, activation: Call = tf.nn.relu, inputs: int = 16) -> Call:
    """Returns a network `[batch, inputs]` → `[batch]` with `depth` hidden layers of 64 units."""
    generator = np.random.default_rng(seed)
    sizes = [inputs, *[64] * depth]
    weights = [generator.normal(size=pair) * (2 / pair[0]) ** 0.5 for pair in itertools.pairwise(sizes)]
    biases = generator.normal(size=(depth, 64)) / 4
    last = generator.normal(size=64) / 8

    def network(x: tf.Tensor) -> tf.Tensor:
        for weight, bias in zip(weights, biases, strict=True):
            x = activation(x @ weight + bias)
        return tf.linalg.matvec(x, tf.constant(last))

    return network
