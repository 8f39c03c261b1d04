"""The models that are mutated: a small one of each way in, as files."""

import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.models import filled

INPUTS = np.random.default_rng(0).normal(size=(2, 3, 3, 2)).astype(np.float32)
_SPEC = tf.TensorSpec([None, 3, 3, 2], tf.float32, "x")


def write(folder: pathlib.Path) -> None:
    """Writes the models into a folder."""
    weights = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return weights.normal(0, 0.6, shape).astype(np.float32)

    kernel, bias, dense = draw(2, 2, 2, 3), draw(3), draw(12, 2)
    (folder / "conv.pb").write_bytes(_conv(kernel, bias, dense, draw(2)).SerializeToString())
    (folder / "loop.pb").write_bytes(_loop(draw(6, 4), draw(4, 4)).SerializeToString())
    for name, factor in (("saved", 1.0), ("saved_other", 0.5)):
        tf.saved_model.save(_Net(factor * kernel, factor * bias, factor * dense), str(folder / name))
    for name, units in (("model", 2), ("model_wide", 5)):
        layers = [keras.layers.Conv2D(3, 2, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(units)]
        model = filled(keras.Sequential([keras.Input((3, 3, 2)), *layers]), seed=units)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")


def _conv(kernel: np.ndarray, bias: np.ndarray, dense: np.ndarray, last: np.ndarray) -> Any:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, _SPEC.shape, name="x")
        hidden = tf.nn.bias_add(tf.nn.conv2d(x, tf.constant(kernel), 1, "SAME"), tf.constant(bias))
        hidden = tf.nn.max_pool2d(tf.nn.relu(hidden), 2, 1, "VALID")
        hidden = tf.matmul(tf.reshape(hidden, [-1, 12]), tf.constant(dense))
        tf.nn.bias_add(hidden, tf.constant(last), name="y")
    return graph.as_graph_def()


def _loop(kernel: np.ndarray, square: np.ndarray) -> Any:
    @tf.function(autograph=False)
    def cell(row: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        return tf.tanh(tf.matmul(row, kernel) + tf.matmul(state, square) + 0.1)

    @tf.function(autograph=False, input_signature=[_SPEC])
    def loop(x: tf.Tensor) -> tf.Tensor:
        rows = tf.reshape(x, [-1, 3, 6])
        _, state = tf.while_loop(
            lambda step, _: step < 3,
            lambda step, state: (step + 1, cell(tf.gather(rows, step, axis=1), state)),
            [0, tf.zeros([tf.shape(x)[0], 4])],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 4])],
            maximum_iterations=10,  # so that one damaged counter does not make a model that has no end
        )
        scaled = tf.cond(tf.shape(rows)[1] > 2, lambda: state * 1.5, lambda: tf.exp(state))
        return tf.identity(tf.matmul(scaled, square)[:, :2], name="y")

    return loop.get_concrete_function().graph.as_graph_def()


class _Net(tf.Module):
    def __init__(self, kernel: np.ndarray, bias: np.ndarray, dense: np.ndarray):
        super().__init__()
        self.kernel, self.bias, self.dense = tf.Variable(kernel), tf.Variable(bias), tf.Variable(dense)

    @tf.function(input_signature=[_SPEC], autograph=False)
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.matmul(tf.reshape(self.hidden(x), [-1, 12]), self.dense)

    @tf.function(autograph=False)
    def hidden(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "VALID") + self.bias)
