"""Models that were differentiated before: a tape, and training, leave their traces on the graphs of functions."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.checks import derivative, explain, in_turn
from tests.models import filled, floats

_GENERATOR = np.random.default_rng(0)
X = _GENERATOR.normal(size=(3, 4))
SPEC = tf.TensorSpec([None, 4], tf.float64)
W, V = tf.Variable(_GENERATOR.normal(size=(4, 5))), tf.Variable(_GENERATOR.normal(size=(5, 2)))


def two_layers():
    return tf.function(lambda x: tf.tanh(tf.tanh(x @ W) @ V) * 2.0)


def with_signature():
    return tf.function(lambda x: tf.tanh(tf.tanh(x @ W) @ V) * 2.0, input_signature=[SPEC])


def functions_in_functions():
    inner = tf.function(lambda x: tf.sigmoid(tf.tanh(x @ W) ** 2))
    return tf.function(lambda x: tf.exp(inner(x) @ V))


def concrete():
    return with_signature().get_concrete_function()


def looping():
    def step(number, y):
        return number + 1, tf.tanh(y * tf.sigmoid(y))

    return tf.function(lambda x: tf.while_loop(lambda n, _: n < 3, step, [0, x @ W])[1] @ V)


def branching():
    def model(x):
        return tf.cond(tf.shape(x)[1] > 2, lambda: tf.tanh(tf.tanh(x @ W) @ V), lambda: x[:, :2])

    return tf.function(model)


class Saved(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = (W, V)

    @tf.function(input_signature=[SPEC])
    def __call__(self, x):
        return tf.tanh(tf.tanh(x @ W) @ V) * 2.0


def _loaded(folder):
    tf.saved_model.save(Saved(), folder)
    return tf.saved_model.load(folder)


def _of_keras():
    with floats("float64"):
        layers = [keras.layers.LSTM(3), keras.layers.Dense(2, "tanh")]
        model = filled(keras.Sequential([keras.Input((4,)), keras.layers.Reshape((2, 2)), *layers]))
    return model, tf.function(lambda x: model(x, training=False))


def _assert_explained(model):
    for method in ("gradient_x_input", "deeplift"):
        e = explain(model, method, X, target=1)
        np.testing.assert_allclose(e.outputs, np.asarray(model(tf.constant(X)))[:, 1], rtol=1e-12)
        if method == "gradient_x_input":
            np.testing.assert_allclose(e.attributions, X * derivative(lambda x: model(x)[:, 1], X), rtol=1e-9)
        else:
            np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)


@pytest.mark.parametrize(
    "make", in_turn([two_layers, with_signature, functions_in_functions, concrete, looping, branching, Saved], 3)
)
def test_a_function_that_a_tape_differentiated(make):
    model = make()
    derivative(lambda x: model(x)[:, 1], X)
    _assert_explained(model)
    derivative(lambda x: model(x)[:, 0] ** 2, X)
    _assert_explained(model)


def test_a_loaded_model_that_a_tape_differentiated(tmp_path):
    model = _loaded(str(tmp_path))
    derivative(lambda x: model(x)[:, 1], X)
    _assert_explained(model)


def test_a_function_whose_variables_were_trained():
    model, function = _of_keras()
    optimizer = keras.optimizers.SGD(0.1)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(function(tf.constant(X)) ** 2)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    _assert_explained(function)


@pytest.mark.long  # the functions of this file are differentiated too
def test_a_keras_model_that_was_fitted_and_differentiated():
    model, _ = _of_keras()
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((3, 2)), verbose=0)
    derivative(lambda x: model(x)[:, 1], X)
    _assert_explained(model)
