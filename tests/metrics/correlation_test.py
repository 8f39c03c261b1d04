"""Tests of `metrics/correlation.py`."""

import numpy as np
import pytest
import scipy.stats

from deepexplain_tf.metrics.correlation import pearson, ranks, spearman


def test_pearson():
    left, right = np.random.default_rng(0).normal(size=(2, 5, 30))
    zeros = np.zeros(5)
    expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(pearson(left, right, rounding=(zeros, zeros)), expected, rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_pearson_of_numbers_whose_squares_no_float_holds(scale):
    left, right = np.random.default_rng(1).normal(size=(2, 1, 30))
    zeros, expected = np.zeros(1), np.corrcoef(left[0], right[0])[0, 1]
    np.testing.assert_allclose(pearson(left * scale, right, rounding=(zeros, zeros)), [expected], rtol=1e-12)
    np.testing.assert_allclose(pearson(left * scale, left * scale, rounding=(zeros, zeros)), [1], rtol=1e-12)


def test_pearson_of_a_side_within_its_rounding():
    left, right = np.array([[1.0, 1.0 + 1e-9]] * 2), np.array([[0.0, 1.0]] * 2)
    found = pearson(left, right, rounding=(np.array([1e-8, 1e-10]), np.zeros(2)))
    np.testing.assert_allclose(found, [np.nan, 1])


@pytest.mark.parametrize("n_values", [3, 1000])
def test_spearman(n_values):
    """With many ties where there are few values."""
    left, right = np.random.default_rng(0).integers(n_values, size=(2, 4, 25)).astype(float)
    expected = [scipy.stats.spearmanr(a, b).statistic for a, b in zip(left, right, strict=True)]
    np.testing.assert_allclose(spearman(left, right), expected, rtol=1e-12)


def test_ranks():
    np.testing.assert_array_equal(ranks(np.array([[3.0, 1.0, 3.0, 2.0]]), np.zeros(1)), [[3.5, 1, 3.5, 2]])


def test_what_differs_by_rounding_has_one_rank():
    values = np.array([[1.0, 2.0, 1.0 + 1e-9, 2.0 - 1e-9], [1.0, 2.0, 1.0 + 1e-9, 2.0 - 1e-9]])
    np.testing.assert_array_equal(ranks(values, np.array([1e-8, 0])), [[1.5, 3.5, 1.5, 3.5], [1, 4, 2, 3]])
    other, rounding = np.array([[0.0, 1.0, 0.0, 1.0]] * 2), np.array([1e-8, 5.0])
    np.testing.assert_array_equal(spearman(values, other, rounding=(rounding, np.zeros(2))), [1, np.nan])
