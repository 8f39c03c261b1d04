"""Tests of `metrics/insertion.py`."""

import numpy as np
import tensorflow as tf

from deepexplain_tf.metrics import deletion, insertion
from tests.checks import total

X = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 5.0]])


def test_a_known_curve():
    found = insertion(total, X, X)
    np.testing.assert_allclose(found.curve, [[0, 3, 5, 6], [0, 5, 6, 7]])
    np.testing.assert_allclose(found.auc, [11 / 3, 14.5 / 3])


def test_from_a_baseline():
    np.testing.assert_allclose(insertion(total, X, X, baseline=1.0).curve, [[3, 5, 6, 6], [3, 7, 7, 7]])


def test_is_the_deletion_of_the_least_relevant_backwards():
    generator = np.random.default_rng(0)
    x, attributions = generator.normal(size=(2, 3, 10))

    def fn(x):
        return tf.tanh(x[:, 0] * x[:, 1]) + tf.reduce_sum(x**2, 1)

    found = insertion(fn, x, attributions, baseline=0.3, steps=5)
    backwards = deletion(fn, x, -attributions, baseline=0.3, steps=5)
    np.testing.assert_allclose(found.curve, backwards.curve[:, ::-1], rtol=1e-12)
