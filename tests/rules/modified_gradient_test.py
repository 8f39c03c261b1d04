"""Tests of `rules/modified_gradient.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.rules import list_rules
from deepexplain_tf.rules.base import RULES, stabilised_quotient
from tests.checks import Replaced

_FUNCTIONS = {
    "Relu": tf.nn.relu,
    "Tanh": tf.tanh,
    "Sigmoid": tf.sigmoid,
    "Softplus": tf.nn.softplus,
    "Elu": tf.nn.elu,
    "Relu6": tf.nn.relu6,
}
_Z = np.array([[-90.0, -2.0, -1e-3, -1e-12, 0.0, 1e-12, 1e-3, 2.0, 90.0]])


@pytest.mark.parametrize("epsilon", [1e-9, 1e-4, 0.25])
@pytest.mark.parametrize("name", _FUNCTIONS)
def test_quotient(name, epsilon):
    function = _FUNCTIONS[name]
    values = np.asarray(function(tf.constant(_Z)))
    replaced = Replaced(function, {name: RULES["modified_gradient"](epsilon)})
    np.testing.assert_array_equal(replaced.outputs([_Z]), values)
    upstream = np.arange(1.0, 10)[None]
    (found,) = replaced.gradients([_Z], upstream)
    expected = upstream * values / (_Z + epsilon * np.where(_Z >= 0, 1, -1))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    assert np.isfinite(found).all()


def test_sign_of_zero_is_positive():
    numerator = tf.constant([1.0, 1.0, -1.0], tf.float64)
    found = stabilised_quotient(numerator, tf.constant([0.0, -0.0, 0.0], tf.float64), 0.5)
    np.testing.assert_array_equal(found, [2.0, 2.0, -2.0])
    assert stabilised_quotient(tf.constant(1.0), tf.constant(-0.5), 0.5) == -1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_dtype_is_kept(dtype):
    z = np.array([[-1.5, 0.5]]).astype(tf.as_dtype(dtype).as_numpy_dtype)
    (found,) = Replaced(tf.nn.relu, {"Relu": RULES["modified_gradient"](0.5)}).gradients([z])
    assert found.dtype == z.dtype
    np.testing.assert_array_equal(found.astype(np.float64), [[0.0, 0.5]])


def test_constant_that_broadcasts_the_operand():
    """A maximum with a constant is an activation; each z has a quotient for every constant beside it."""
    bounds = np.array([[0.5], [-0.5]])

    def bounded(z):
        return tf.maximum(z[:, None, :], tf.constant(bounds))

    z = np.array([[-2.0, 0.25, 3.0]])
    (found,) = Replaced(bounded, {"Maximum": RULES["modified_gradient"](0.125)}).gradients([z])
    expected = np.maximum(z, bounds) / (z + 0.125 * np.where(z >= 0, 1, -1))
    np.testing.assert_allclose(found, expected.sum(0, keepdims=True), rtol=1e-14)


def test_it_is_listed():
    assert {"modified_gradient", "rescale", "midpoint", "softmax", "cross_max"} <= set(list_rules())
