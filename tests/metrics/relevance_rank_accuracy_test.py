"""Tests of `metrics/relevance_rank_accuracy.py`."""

import itertools

import numpy as np

from deepexplain_tf.metrics import relevance_rank_accuracy


def test_known_scores():
    """Of the two most relevant positions, 4 and 3, one lies inside; the mask of one position has the most relevant."""
    attributions = np.array([[1.0, 4.0, 3.0, -9.0]] * 3)
    masks = np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    found = relevance_rank_accuracy(np.zeros((3, 4)), attributions, masks)
    np.testing.assert_allclose(found.per_example, [1 / 2, 1, np.nan])


def test_is_the_mean_over_all_orders_of_equal_positions():
    generator = np.random.default_rng(0)
    attributions = generator.integers(0, 3, (20, 6)).astype(float)
    masks = generator.random((20, 6)) < 0.5
    masks[:, 0] = True
    expected = []
    for relevance, mask in zip(attributions, masks, strict=True):
        orders = (np.array(order) for order in itertools.permutations(range(6)))
        sorted_ones = [order for order in orders if (np.diff(relevance[order]) <= 0).all()]
        expected.append(np.mean([mask[order[: mask.sum()]].mean() for order in sorted_ones]))
    found = relevance_rank_accuracy(np.zeros((20, 6)), attributions, masks)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-12)
