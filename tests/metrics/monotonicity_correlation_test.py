"""Tests of `metrics/monotonicity_correlation.py`."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from deepexplain_tf.metrics import monotonicity_correlation

GENERATOR = np.random.default_rng(0)
W, X, R = GENERATOR.normal(size=(4, 2)), *GENERATOR.normal(size=(2, 3, 4, 2))


def curved(x):
    return tf.reduce_sum(tf.tanh(x * W), [1, 2])


def test_known_scores():
    """F = x₁ + 5·x₂ depends on the second most, whatever the sign of its relevance; not at all on the third."""
    x = np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    several = {"right": np.array([[2.0, -3.0, 0.0]] * 2), "wrong": np.array([[-2.0, 1.0, 3.0]] * 2)}
    found = monotonicity_correlation(lambda x: x[:, 0] + 5 * x[:, 1], x, several, seed=0)
    np.testing.assert_allclose(found["right"].per_example, 1)
    np.testing.assert_allclose(found["wrong"].per_example, -1)


IDS = {"elements": np.arange(8).reshape(4, 2), "positions": np.repeat(np.arange(4), 2).reshape(4, 2)}


@pytest.mark.parametrize("groups", IDS)
@pytest.mark.parametrize("value_range", [None, (0.0, 1.0)])
def test_equals_its_definition(groups, value_range):
    """One example, one feature, one sample at a time."""
    f = lambda x: np.tanh(x * W).sum()  # noqa: E731
    drawn = np.random.default_rng((4, 1)).uniform(*(value_range or (X.min(), X.max())), (6, 4, 2))
    ids, expected = IDS[groups], []
    for x, relevance in zip(X, R, strict=True):
        chosen = [ids == feature for feature in range(ids.max() + 1)]
        squares = [np.mean([(f(x) - f(np.where(mask, values, x))) ** 2 for values in drawn]) for mask in chosen]
        sums = [abs(relevance[mask].sum()) for mask in chosen]
        expected.append(scipy.stats.spearmanr(sums, squares).statistic)
    found = monotonicity_correlation(curved, X, R, n_samples=6, value_range=value_range, groups=groups, seed=4)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_features_without_effect_are_equal():
    """What they lose in a sum is rounding; a target that does not change has no score."""
    fn = lambda x: (x[:, 0] + x[:, 1] * 1e-3 + x[:, 2] * 1e-3) - x[:, 1] * 1e-3 - x[:, 2] * 1e-3  # noqa: E731
    found = monotonicity_correlation(fn, X[:, :3, 0], np.array([[1.0, 0.0, 0.0]] * 3), seed=0)
    np.testing.assert_allclose(found.per_example, 1, rtol=1e-12)
    assert np.isnan(monotonicity_correlation(lambda x: x[:, 0, 0] * 0, X, R, seed=0).per_example).all()
