"""Tests of `methods/guided_backprop.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.checks import explain

_X = np.random.default_rng(0).normal(size=(6, 4))


def _layers():
    middle = [*ref.random_network(1, [4, 8, 7], "relu"), ref.Activation("relu")]
    end = [*ref.random_network(2, [7, 5], "tanh"), ref.Activation("tanh"), *ref.random_network(3, [5, 3], "relu")]
    return [*middle, *end]


@pytest.mark.parametrize("target", range(3))
def test_it_is_the_modified_gradient(target):
    layers = _layers()
    expected = ref.rectified_gradient(layers, _X, target, where_open=True)
    assert (expected != 0).any(1).sum() >= 3
    assert np.abs(expected - ref.gradient(layers, _X, target)).max() > 0.01
    e = explain(ref.in_tensorflow(layers), "guided_backprop", _X, target=target)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)
    assert e.baseline_outputs is None and e.completeness_gap is None


def test_relu_in_every_spelling_of_keras():
    weights, biases = np.random.default_rng(4).normal(size=(4, 5)), np.linspace(-1, 1, 5)
    layers = [ref.Dense(weights, biases), ref.Activation("relu"), ref.Dense(weights.T, biases[:4])]
    expected = ref.rectified_gradient(layers, _X, 0, where_open=True)
    for relu in (keras.activations.relu, keras.ops.relu, keras.layers.ReLU(dtype="float64"), tf.nn.relu):
        e = explain(lambda x, relu=relu: relu(x @ weights + biases) @ weights.T + biases[:4], "guided", _X, target=0)
        np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)


def test_the_target_is_not_rectified():
    """A negative weight at the very end stops nothing unless a rectifier follows it."""
    x = np.array([[1.0, 2.0]])
    e = explain(lambda x: -3.0 * x, "guided_backprop", x, target=0)
    np.testing.assert_array_equal(e.attributions, [[-3.0, 0.0]])
    e = explain(lambda x: -3.0 * tf.nn.relu(x), "guided_backprop", x, target=0)
    np.testing.assert_array_equal(e.attributions, [[0.0, 0.0]])
