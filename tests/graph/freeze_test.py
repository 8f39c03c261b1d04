"""Tests of `graph/passes/freeze.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.passes import freeze, precompute
from tests.checks import program_of, run_program
from tests.references import numbers

_X, _KERNEL = numbers(0, (3, 4), (4, 2))


def _convolutional():
    layers = [
        keras.layers.Conv2D(3, 2, bias_initializer="normal"),
        keras.layers.BatchNormalization(moving_mean_initializer="normal", beta_initializer="normal"),
        keras.layers.Activation("tanh"),
        keras.layers.Flatten(),
        keras.layers.Dense(2, bias_initializer="normal"),
    ]
    return keras.Sequential([keras.Input([4, 4, 2]), *layers]), (2, 4, 4, 2)


def _recurrent():
    layers = [
        keras.layers.Bidirectional(keras.layers.GRU(2, bias_initializer="normal")),
        keras.layers.Dense(2, bias_initializer="normal"),
    ]
    return keras.Sequential([keras.Input([5, 3]), *layers]), (2, 5, 3)


_MODELS = {"convolutional": _convolutional, "recurrent": _recurrent}


def test_variables_become_constants():
    kernel = tf.Variable(_KERNEL)
    program = freeze(program_of(lambda x: tf.tanh(x @ kernel), _X))
    kernel.assign(kernel * 2)
    np.testing.assert_allclose(run_program(program, _X)[0], np.tanh(_X @ _KERNEL), rtol=1e-14)


def test_variables_read_inside_loops_and_branches():
    scale = tf.Variable(2.0, dtype=tf.float64)

    def model(x):
        def turn(number, state):
            grown = tf.cond(number > 0, lambda: state * scale, lambda: state + scale)
            return number + 1, grown

        return tf.while_loop(lambda number, _: number < 3, turn, (0, x))[1]

    program = freeze(program_of(model, _X))
    scale.assign(100.0)
    np.testing.assert_allclose(run_program(program, _X)[0], (_X + 2) * 4, rtol=1e-14)


def test_what_constants_alone_make_is_computed():
    weights = tf.constant(_KERNEL)
    program = precompute(program_of(lambda x: tf.tanh(x @ (tf.exp(weights) * 2.0)), _X))
    assert not {"Exp", "Mul"} & {node.type for node in program.nodes()}
    np.testing.assert_allclose(run_program(program, _X)[0], np.tanh(_X @ (2 * np.exp(_KERNEL))), rtol=1e-13)


def test_variables_are_not_computed_with():
    kernel = tf.Variable(_KERNEL)
    program = precompute(program_of(lambda x: x @ tf.exp(kernel), _X))
    kernel.assign(2 * kernel)
    np.testing.assert_allclose(run_program(program, _X)[0], _X @ np.exp(2 * _KERNEL), rtol=1e-13)


@pytest.mark.parametrize("method", ["integrated_gradients", "deeplift", "occlusion"])
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n == "recurrent")) for n in _MODELS])
def test_a_frozen_explainer_does_not_follow_training(name, method):
    keras.utils.set_random_seed(0)
    model, shape = _MODELS[name]()
    (x,) = (array.astype("float32") for array in numbers(1, shape))
    with dx.DeepExplain(model, jit_compile=False) as de:
        follows, frozen = (de.explainer(method, target=1, freeze=freezes) for freezes in (False, True))
    before = frozen(x).attributions
    np.testing.assert_allclose(before, follows(x).attributions, rtol=1e-4, atol=1e-6)
    for variable in model.weights:
        variable.assign(variable * 1.5 + 0.1)
    np.testing.assert_array_equal(frozen(x).attributions, before)
    assert np.abs(follows(x).attributions - before).max() > 1e-3


def test_freeze_is_true_or_false():
    with dx.DeepExplain(lambda x: x[:, 0]) as de, pytest.raises(dx.DeepExplainError, match="freeze must be"):
        de.explainer("saliency", freeze="yes")
