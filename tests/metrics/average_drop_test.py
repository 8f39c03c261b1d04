"""Tests of `metrics/average_drop.py`; what a map shows is in `confidence_test.py`."""

import numpy as np

from deepexplain_tf.metrics import average_drop


def test_known_scores():
    """F = x₁ + x₂/4 falls from 0.5 to 0.4 without x₂, and by less when it is half shown; a rise is no drop."""
    x = np.array([[0.4, 0.4], [0.4, 0.4], [0.4, -0.4], [0.0, 0.0], [0.4, 0.4]])
    attributions = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    found = average_drop(lambda x: x[:, 0] + x[:, 1] / 4, x, attributions)
    np.testing.assert_allclose(found.per_example, [0.1 / 0.5, 0.05 / 0.5, 0, np.nan, np.nan], rtol=1e-12)
    np.testing.assert_allclose(found.mean, 0.1)
