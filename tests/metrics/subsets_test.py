"""Tests of `metrics/subsets.py`; its correlations are tested with the metrics that return them."""

import numpy as np

from deepexplain_tf.metrics import draw_subsets


def test_subsets():
    drawn = draw_subsets(6, 2, 30_000, seed=0)
    assert drawn.shape == (30_000, 6)
    np.testing.assert_array_equal(drawn.sum(1), 2)
    np.testing.assert_allclose(drawn.mean(0), 2 / 6, atol=0.015)
    pairs = np.unique(drawn, axis=0, return_counts=True)[1]
    np.testing.assert_allclose(pairs / 30_000, 1 / 15, atol=0.008)
    np.testing.assert_array_equal(drawn, draw_subsets(6, 2, 30_000, seed=0))
    assert (drawn != draw_subsets(6, 2, 30_000, seed=1)).any()
