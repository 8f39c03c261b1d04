"""Tests of `metrics/complexity.py`."""

import numpy as np
import pytest
import scipy.stats

from deepexplain_tf.metrics import complexity

X = np.zeros((3, 4))


def test_known_scores():
    """Of one relevant feature, of four equal ones, and of halves and quarters."""
    found = complexity(X, np.array([[0, 0, -7.0, 0], [2, 2, -2, 2], [0, -1, 2, 1]]))
    np.testing.assert_allclose(found.per_example, [0, np.log(4), 1.5 * np.log(2)], rtol=0, atol=1e-15)
    assert not np.signbit(found.per_example).any()


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e307])
def test_is_the_entropy(scale):
    attributions = np.random.default_rng(0).normal(size=(3, 2, 5)) * scale
    found = complexity(np.zeros((3, 2, 5)), attributions)
    expected = [scipy.stats.entropy(np.abs(example.ravel() / np.abs(example).max())) for example in attributions]
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_of_groups():
    groups = np.array([0, 1, 1, 2])
    found = complexity(X[:1], np.array([[2.0, 3.0, -1.0, 0.0]]), groups=groups)
    np.testing.assert_allclose(found.per_example, [np.log(2)])


def test_no_relevance_has_no_score():
    assert np.isnan(complexity(X, 0 * X).per_example).all()
