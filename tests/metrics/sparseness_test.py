"""Tests of `metrics/sparseness.py`."""

import numpy as np
import pytest

from deepexplain_tf.metrics import sparseness

X = np.zeros((3, 4))


def test_known_scores():
    """Of (0, 0, 0, d), (1, 1, 1, 1), and (1, 2, 3, 4): ((−3)·1 + (−1)·2 + 1·3 + 3·4) / (4·10)."""
    found = sparseness(X, np.array([[0, 0, -7.0, 0], [2, 2, -2, 2], [4, -1, 3, 2]]))
    np.testing.assert_allclose(found.per_example, [1 - 1 / 4, 0, 10 / 40], rtol=0, atol=1e-15)


def gini(values):
    """Half the mean absolute difference of all pairs, relative to the mean."""
    values = np.abs(values)
    return np.abs(values[:, np.newaxis] - values).mean() / (2 * values.mean())


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e307])
def test_is_half_the_relative_mean_difference(scale):
    attributions = np.random.default_rng(0).normal(size=(3, 2, 5)) * scale
    found = sparseness(np.zeros((3, 2, 5)), attributions)
    expected = [gini(example.ravel() / np.abs(example).max()) for example in attributions]
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_of_positions():
    attributions = np.array([[[1.0, -1.0], [2.0, 1.0]]])  # sums of 0 and 3
    np.testing.assert_allclose(sparseness(attributions, attributions, groups="positions").per_example, [1 / 2])


def test_no_relevance_has_no_score():
    found = sparseness(X, np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0.0]]))
    np.testing.assert_array_equal(found.per_example, [np.nan, 0.75, np.nan])
