"""Tests of `methods/deconvnet.py`."""

import numpy as np
import tensorflow as tf

from tests import references as ref
from tests.checks import explain

_X = np.random.default_rng(0).normal(size=(6, 4))


def test_it_is_the_modified_gradient():
    layers = [*ref.random_network(1, [4, 6, 5], "relu"), ref.Activation("relu"), *ref.random_network(2, [5, 3], "tanh")]
    expected = ref.rectified_gradient(layers, _X, 1, where_open=False)
    assert np.abs(expected - ref.gradient(layers, _X, 1)).max() > 0.1
    e = explain(ref.in_tensorflow(layers), "deconvnet", _X, target=1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)
    assert e.baseline_outputs is None and e.completeness_gap is None


def test_it_depends_on_the_signs_of_the_upstream_gradient_alone():
    layers = ref.random_network(3, [4, 6, 3], "relu")
    e = explain(ref.in_tensorflow(layers), "deconvolution", _X, target=2)
    np.testing.assert_array_equal(e.attributions, np.broadcast_to(e.attributions[:1], e.attributions.shape))
    assert e.method == "deconvnet"


def test_other_functions_keep_their_gradient():
    e = explain(lambda x: -tf.tanh(x), "deconvnet", _X, target=0)
    np.testing.assert_allclose(e.attributions[:, 0], np.tanh(_X[:, 0]) ** 2 - 1, rtol=1e-12)
