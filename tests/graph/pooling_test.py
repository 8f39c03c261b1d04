"""MaxPool3D axis by axis: the values of TensorFlow's kernel, and each gradient passed to one number of its window."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import explain

X = np.random.default_rng(0).normal(size=(2, 5, 6, 7, 2)).astype(np.float32)
_WINDOWS = [((2, 2, 2), (1, 2, 1)), ((3, 1, 2), (2, 1, 3)), ((1, 3, 3), (1, 1, 1)), ((5, 6, 7), (1, 1, 1))]


def _pool(window, strides, padding):
    sizes = {"ksize": [1, *window, 1], "strides": [1, *strides, 1], "padding": padding}
    return lambda x: tf.raw_ops.MaxPool3D(input=x, **sizes)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("window", "strides"), _WINDOWS)
def test_values_and_gradients_are_those_of_the_op(window, strides, padding):
    pool = _pool(window, strides, padding)
    weights = np.random.default_rng(1).normal(size=pool(X).shape)
    e = explain(pool, "saliency", X, signed=True, target=weights, output="model")
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = tf.reduce_sum(pool(x) * weights, [1, 2, 3, 4])
    np.testing.assert_allclose(e.outputs, outputs, rtol=1e-5)
    np.testing.assert_allclose(e.attributions, tape.gradient(outputs, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", ["integrated_gradients", "deeplift", "gradient_x_input"])
def test_where_all_numbers_of_a_window_are_equal(method):
    """A gradient that is passed to all of them adds up to many times the change."""
    pool = _pool((2, 2, 2), (1, 2, 1), "SAME")
    x = np.ones_like(X) * np.float32([[[[[0.5, 2.0]]]]])
    weights = np.random.default_rng(2).normal(size=pool(x).shape)
    e = explain(pool, method, x, target=weights, output="model")
    np.testing.assert_allclose(e.attributions.sum((1, 2, 3, 4)), e.outputs, rtol=1e-5)
