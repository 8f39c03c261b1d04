"""Tests of `methods/gradient_x_input.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.checks import explain

_LAYERS = [
    *ref.random_network(0, [4, 6], "softplus"),
    ref.Gate(ref.random_network(1, [6, 5], "sigmoid"), ref.random_network(2, [6, 5], "relu")),
    *ref.random_network(3, [5, 3], "relu"),
]
_X = np.random.default_rng(4).normal(size=(6, 4))


@pytest.mark.parametrize("target", [0, 2])
def test_it_is_the_gradient_times_the_input(target):
    e = explain(ref.in_tensorflow(_LAYERS), "gradient_x_input", _X, target=target)
    np.testing.assert_allclose(e.attributions, _X * ref.gradient(_LAYERS, _X, target), rtol=1e-10, atol=1e-14)
    assert e.baseline_outputs is None and e.completeness_gap is None


def test_own_gradients_are_kept():
    """A user's `tf.custom_gradient` is the gradient of the model."""

    @tf.custom_gradient
    def clipped(x):
        return x**2, lambda upstream: tf.clip_by_value(upstream, -1.0, 1.0)

    x = np.array([[2.0, -3.0]])
    e = explain(lambda x: 5 * clipped(x), "grad*input", x, target=0)
    np.testing.assert_array_equal(e.attributions, [[2.0, 0.0]])
    assert e.method == "gradient_x_input"
