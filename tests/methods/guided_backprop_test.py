"""Tests of `methods/guided_backprop.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.checks import explain

_X = np.random.default_rng(0).normal(size=(6, 4))


def _guided(layers, x, target):
    """The gradient of a chain in which each open ReLU passes what is positive."""
    points = [x]
    for layer in layers:
        points.append(layer(points[-1]))
    upstream = np.broadcast_to(np.eye(points[-1].shape[1])[target], points[-1].shape)
    for layer, z in zip(reversed(layers), reversed(points[:-1]), strict=True):
        if layer == ref.Activation("relu"):
            upstream = np.maximum(upstream, 0) * (z > 0)
        else:
            upstream = layer.backward(z, z, upstream, lambda f, z, z0: f.derivative(z))
    return upstream


def _layers():
    middle = [*ref.random_network(1, [4, 8, 7], "relu"), ref.Activation("relu")]
    end = [*ref.random_network(2, [7, 5], "tanh"), ref.Activation("tanh"), *ref.random_network(3, [5, 3], "relu")]
    return [*middle, *end]


@pytest.mark.parametrize("target", range(3))
def test_it_is_the_modified_gradient(target):
    layers = _layers()
    expected = _guided(layers, _X, target)
    assert (expected != 0).any(1).sum() >= 3
    assert np.abs(expected - ref.gradient(layers, _X, target)).max() > 0.01
    e = explain(ref.in_tensorflow(layers), "guided_backprop", _X, target=target)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)
    assert e.baseline_outputs is None and e.completeness_gap is None


def test_relu_in_every_spelling_of_keras():
    weights, biases = np.random.default_rng(4).normal(size=(4, 5)), np.linspace(-1, 1, 5)
    layers = [ref.Dense(weights, biases), ref.Activation("relu"), ref.Dense(weights.T, biases[:4])]
    expected = _guided(layers, _X, 0)
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
