"""Tests of `metrics/deletion.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import deletion
from tests.checks import total

X = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 5.0]])


def test_a_known_curve():
    """6 → 3 → 1 → 0 without 3, 2 and 1; 7 → 2 → 1 → 0 without 5, 1 and 1."""
    found = deletion(total, X, X)
    np.testing.assert_allclose(found.curve, [[6, 3, 1, 0], [7, 2, 1, 0]])
    np.testing.assert_allclose(found.fractions, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(found.auc, [7 / 3, 6.5 / 3])
    np.testing.assert_allclose(found.mean, 13.5 / 6)
    np.testing.assert_allclose(found.mean_curve, [6.5, 2.5, 1, 0])


def test_to_a_baseline():
    each = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])
    np.testing.assert_allclose(deletion(total, X, X, baseline=each).curve, [[6, 4, 2, 1], [7, 4, 3, 2]])


def test_equal_features_go_in_their_order():
    def weighted(x):
        return tf.linalg.matvec(x, np.array([1.0, 10.0, 100.0]))

    found = deletion(weighted, np.ones((1, 3)), {"equal": np.zeros((1, 3)), "last": np.array([[0.0, 0.0, 1.0]])})
    np.testing.assert_allclose(found["equal"].curve, [[111, 110, 100, 0]])
    np.testing.assert_allclose(found["last"].curve, [[111, 11, 10, 0]])


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 11, 20])
def test_steps_remove_about_as_many_each(steps):
    found = deletion(total, np.ones((1, 11)), np.ones((1, 11)), steps=steps)
    removed = 11 - found.curve[0]
    assert len(removed) == min(steps, 11) + 1
    np.testing.assert_allclose(removed, 11 * found.fractions)
    assert np.ptp(np.diff(removed)) <= 1
    assert found.auc == pytest.approx(5.5)


def test_pixels_are_removed_whole():
    x = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)
    attributions = np.array([[[[5, -4], [0, 0]], [[2, 2], [-9, 20]]]], float)  # sums 1, 0, 4, 11
    found = deletion(total, x, attributions, groups="positions")
    np.testing.assert_allclose(found.curve, [[36, 21, 10, 7, 0]])
