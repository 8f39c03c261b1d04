"""Tests of `metrics/completeness.py`."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.metrics import completeness
from tests.checks import explain


def product(x):
    return x[:, 0] * x[:, 1]


def test_a_known_gap():
    """f(2, 3) = 6 and f(1, 1) = 1, of which attributions of 2 and 2 leave 1."""
    found = completeness(product, np.array([[2.0, 3.0]]), np.array([[2.0, 2.0]]), baseline=1.0)
    np.testing.assert_allclose(found.per_example, [-1])
    np.testing.assert_allclose(found.change, [5])
    np.testing.assert_allclose(found.relative, [0.2])


def test_is_the_gap_of_an_explanation():
    x = np.random.default_rng(0).normal(size=(3, 4))

    def model(x):
        return tf.tanh(x[:, :2]) * x[:, 2:]

    e = explain(model, "integrated_gradients", x, target=1, n_steps=2, baseline=0.2)
    found = completeness(lambda x: model(x)[:, 1], x, e, baseline=0.2)
    assert np.abs(e.completeness_gap).max() > 1e-4
    np.testing.assert_allclose(found.per_example, e.completeness_gap, rtol=1e-9, atol=1e-14)
    assert found.relative.max() == pytest.approx(np.abs(e.completeness_gap / (e.outputs - e.baseline_outputs)).max())


def test_where_the_target_does_not_change():
    found = completeness(product, np.array([[0.0, 3.0], [1.0, 1.0]]), np.ones((2, 2)))
    np.testing.assert_allclose(found.relative, [np.nan, 1])
    assert "largest |gap| 2" in repr(found)


def test_under_its_other_name():
    assert dx.metrics.METRICS["completeness_gap"].function is completeness
