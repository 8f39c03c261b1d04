"""Tests of `methods/epsilon_lrp.py`."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf import DeepExplainError
from tests import references as ref
from tests.checks import explain, pairs_in_turn

_X = np.random.default_rng(0).normal(size=(6, 4))


@pytest.mark.parametrize(
    ("activation", "epsilon"),
    pairs_in_turn(itertools.product(["relu", "tanh", "sigmoid", "softplus"], [1e-6, 1e-2, 1.0]), 2),
)
def test_it_is_the_modified_gradient_times_the_input(activation, epsilon):
    layers = ref.branched_network(activation)
    e = explain(ref.in_tensorflow(layers), "epsilon_lrp", _X, target=1, epsilon=epsilon)
    np.testing.assert_allclose(e.attributions, ref.epsilon_lrp(layers, _X, 1, epsilon), rtol=1e-10, atol=1e-13)
    assert e.baseline_outputs is None and e.completeness_gap is None


def test_default_epsilon():
    layers = ref.branched_network("sigmoid")
    e = explain(ref.in_tensorflow(layers), "elrp", _X, target=1)
    np.testing.assert_allclose(e.attributions, ref.epsilon_lrp(layers, _X, 1, 1e-4), rtol=1e-10, atol=1e-13)
    assert e.method == "epsilon_lrp"


def test_relevance_is_conserved_without_biases():
    layers = ref.random_network(6, [4, 8, 8, 2], "tanh", biases=False)
    e = explain(ref.in_tensorflow(layers), "epsilon_lrp", _X, target=0, epsilon=1e-12)
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs, rtol=1e-9)


def test_softmax_pooling_and_products_keep_their_gradient():
    def model(x):
        pooled = tf.reduce_max(tf.reshape(x, [-1, 2, 2]), 2)
        return tf.nn.softmax(tf.concat([pooled, x * x[:, ::-1]], 1)) * x[:, :1]

    lrp = explain(model, "epsilon_lrp", _X, target=2, epsilon=0.1, output="model")
    plain = explain(model, "gradient_x_input", _X, target=2, output="model")
    np.testing.assert_allclose(lrp.attributions, plain.attributions, rtol=1e-12, atol=1e-14)


def test_batch_normalisation_is_linear():
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(7)
    norm = keras.layers.BatchNormalization(dtype="float64")
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="float64"),
            keras.layers.Dense(5, dtype="float64", bias_initializer="random_normal"),
            norm,
            keras.layers.ReLU(dtype="float64"),
            keras.layers.Dense(1, dtype="float64"),
        ]
    )
    norm.set_weights([generator.uniform(0.5, 2, 5), *generator.normal(size=(2, 5)), generator.uniform(0.5, 2, 5)])
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    weights, biases = model.layers[0].get_weights()
    layers = [
        ref.Dense(weights * scale, (biases - mean) * scale + beta),
        ref.Activation("relu"),
        ref.Dense(*model.layers[-1].get_weights()),
    ]
    e = explain(model, "epsilon_lrp", _X, epsilon=0.01)
    np.testing.assert_allclose(e.attributions, ref.epsilon_lrp(layers, _X, 0, 0.01), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("epsilon", [0, -1e-3, float("nan"), float("inf"), "1e-4", True, None])
def test_epsilon_is_a_number_above_zero(epsilon):
    with pytest.raises(DeepExplainError, match="epsilon must be a number > 0"):
        explain(tf.nn.relu, "epsilon_lrp", _X, target=0, epsilon=epsilon)
