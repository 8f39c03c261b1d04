"""Tests of `metrics/faithfulness_correlation.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import draw_subsets, faithfulness_correlation, sensitivity_n

GENERATOR = np.random.default_rng(3)
W = GENERATOR.normal(size=(10, 3))
X, R, START = GENERATOR.normal(size=(3, 4, 10))


def logit(x):
    return tf.reduce_sum(tf.tanh(x @ W), 1)


def test_a_known_score():
    """F = max(x) with x = (2, 1): R = (1, 0) and drops (1, 0) agree; R = (0, 1) is opposite."""
    attributions = {"right": np.array([[1.0, 0.0]]), "wrong": np.array([[0.0, 1.0]])}
    found = faithfulness_correlation(lambda x: tf.reduce_max(x, 1), np.array([[2.0, 1.0]]), attributions, seed=0)
    np.testing.assert_allclose([found["right"].mean, found["wrong"].mean], [1, -1])


@pytest.mark.parametrize(("options", "size"), [({}, 2), ({"subset_size": 7}, 7)])
def test_equals_its_definition(options, size):
    """One example, one set at a time; by default of a fifth of the features."""
    f = lambda x: np.tanh(x @ W).sum()  # noqa: E731
    expected = []
    for x, relevance, start in zip(X, R, START, strict=True):
        sums, drops = [], []
        for subset in draw_subsets(10, size, 30, 5):
            sums.append(relevance[subset].sum())
            drops.append(f(x) - f(np.where(subset, start, x)))
        expected.append(np.corrcoef(sums, drops)[0, 1])
    found = faithfulness_correlation(logit, X, R, subsets=30, baseline=START, seed=5, **options)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_is_sensitivity_n_for_one_n():
    groups = np.arange(10) // 2
    found = faithfulness_correlation(logit, X, R, subset_size=3, groups=groups, seed=1)
    expected = sensitivity_n(logit, X, R, n=3, groups=groups, seed=1)
    np.testing.assert_array_equal(found.per_example, expected.per_example[:, 0])


def test_a_constant_side_has_no_score():
    found = faithfulness_correlation(logit, X, {"same": np.full_like(R, 0.1), "R": R}, seed=0)
    assert np.isnan(found["same"].per_example).all()
    assert np.isfinite(found["R"].per_example).all()
