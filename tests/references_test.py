"""Tests of `references.py`: the oracles against numeric derivatives and numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.references import Activation, Dense, Gate, Residual


def _network(activation):
    inner = ref.random_network(1, [5, 4, 5], activation)
    gate = Gate(ref.random_network(2, [5, 5], activation), ref.random_network(3, [5, 4, 5], activation))
    return [*ref.random_network(0, [3, 5], activation), Residual(inner), gate, *ref.random_network(4, [5, 2], "relu")]


@pytest.mark.parametrize("activation", ref.SCALARS)
def test_gradient_is_the_numeric_one(activation):
    layers, x = _network(activation), np.random.default_rng(5).normal(size=(4, 3))
    numeric = ref.numeric_gradient(lambda x: ref.forward(layers, x)[:, 1], x)
    np.testing.assert_allclose(ref.gradient(layers, x, 1), numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("activation", ref.SCALARS)
def test_deeplift_sums_through_every_layer(activation):
    layers, generator = _network(activation), np.random.default_rng(6)
    x, baseline = generator.normal(size=(4, 3)), generator.normal(size=3)
    change = ref.forward(layers, x) - ref.forward(layers, baseline[None])
    np.testing.assert_allclose(ref.deeplift(layers, x, baseline, 0).sum(1), change[:, 0], rtol=1e-11)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_integrated_gradients_sum(activation):
    layers, generator = ref.random_network(7, [3, 6, 5, 2], activation), np.random.default_rng(8)
    x, baseline = generator.normal(size=(4, 3)), generator.normal(size=3)
    change = ref.forward(layers, x) - ref.forward(layers, baseline[None])
    found = ref.integrated_gradients(layers, x, baseline, 1)
    np.testing.assert_allclose(found.sum(1), change[:, 1], rtol=1e-12)


def test_kinks_are_where_relus_switch():
    layers = [Dense(np.array([[1.0, -2.0]]), np.array([-0.25, 1.0])), Activation("relu")]
    np.testing.assert_allclose(ref.kinks(layers, np.array([1.0]), np.array([0.0])), [0, 0.25, 0.5, 1])


def test_epsilon_lrp_by_hand():
    layers = [Dense(np.array([[2.0], [1.0]]), np.array([-1.0])), Activation("sigmoid")]
    x, z = np.array([[1.0, -3.0]]), -2.0
    expected = x * [[2.0, 1.0]] / (1 + np.exp(2.0)) / (z - 0.5)
    np.testing.assert_allclose(ref.epsilon_lrp(layers, x, 0, 0.5), expected, rtol=1e-14)


def test_shapley_of_a_product_is_shared_evenly():
    found = ref.shapley(
        lambda x: x[:, 0] * x[:, 1] + 3 * x[:, 2], [np.array([[2.0, 5.0, 7.0]])], [np.zeros(3)], [np.arange(3)]
    )
    np.testing.assert_allclose(found, [[5, 5, 21]])


def test_occlusion_by_hand():
    x = np.array([[1.0, 2.0, 4.0, 8.0, 16.0]])
    for normalise in ("none", "count"):
        (found,) = ref.occlusion(lambda x: x.sum(1), [x], [0.0], [[2]], [[2]], normalise)
        np.testing.assert_array_equal(found, [[3, 3, 12, 12, 16]])
    (halved,) = ref.occlusion(lambda x: x.sum(1), [x], [0.0], [[2]], [[2]], "window")
    np.testing.assert_array_equal(halved, [[1.5, 1.5, 6, 6, 8]])
    (overlapping,) = ref.occlusion(lambda x: x.sum(1), [x], [0.0], [[3]], [[1]], "count")
    np.testing.assert_array_equal(overlapping, [[7, 10.5, 49 / 3, 21, 28]])
    (uncovered,) = ref.occlusion(lambda x: x.sum(1), [x], [0.0], [[1]], [[3]], "none")
    np.testing.assert_array_equal(uncovered, [[1, np.nan, np.nan, 8, np.nan]])


@pytest.mark.parametrize("activation", ref.SCALARS)
def test_tensorflow_form_is_the_same_network(activation):
    layers, x = _network(activation), np.random.default_rng(9).normal(size=(4, 3))
    found = ref.in_tensorflow(layers)(tf.constant(x))
    np.testing.assert_allclose(found, ref.forward(layers, x), rtol=1e-12, atol=1e-14)
