"""Tests of `metrics/average_increase.py`; what a map shows is in `confidence_test.py`."""

import numpy as np

from deepexplain_tf.metrics import average_increase


def test_known_scores():
    """F = x₁ + x₂/4 rises without a negative x₂, and falls without a positive one; the same value is no increase."""
    x = np.array([[0.4, -0.4], [0.4, 0.4], [0.4, 0.0], [0.4, 0.4]])
    attributions = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, -1.0]])
    found = average_increase(lambda x: x[:, 0] + x[:, 1] / 4, x, attributions)
    np.testing.assert_array_equal(found.per_example, [1, 0, 0, np.nan])
    np.testing.assert_allclose(found.mean, 1 / 3)
