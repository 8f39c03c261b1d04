"""Tests of `rules/stop_gradient.py`."""

import keras
import numpy as np
import tensorflow as tf

from tests.checks import assert_sums, explain, multipliers


def test_multipliers_pass_unchanged():
    x, x0, upstream = np.random.default_rng(0).normal(size=(3, 2, 3))
    (found,) = multipliers(tf.stop_gradient, [x], [x0[0]], upstream)
    np.testing.assert_array_equal(found, upstream)


def test_stopped_part_of_a_function_counts():
    x, x0 = np.random.default_rng(1).normal(size=(2, 3, 4))
    assert_sums(lambda x: tf.tanh(x - tf.stop_gradient(tf.reduce_mean(x, 1, keepdims=True))), [x], [x0[0]])


def test_other_methods_stop_there():
    x = np.array([[1.0, 2.0]])
    e = explain(lambda x: x * tf.stop_gradient(x), "saliency", x, target=1)
    np.testing.assert_array_equal(e.attributions, [[0.0, 2.0]])


def test_layer_normalisation():
    keras.utils.set_random_seed(2)
    layer = keras.layers.LayerNormalization(dtype="float64")
    layer.build([None, 5])
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=5) + 1, generator.normal(size=5)])
    x, x0 = generator.normal(size=(2, 3, 5))
    assert_sums(layer, [x], [x0[0]])
