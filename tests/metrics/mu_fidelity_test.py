"""Tests of `metrics/mu_fidelity.py`."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from deepexplain_tf.metrics import mu_fidelity

GENERATOR = np.random.default_rng(3)
W = GENERATOR.normal(size=(5, 4, 2))
X, R, START = GENERATOR.normal(size=(3, 3, 5, 4, 2))


def logit(x):
    return tf.reduce_sum(tf.tanh(x * W), [1, 2, 3])


def test_a_known_score():
    """Attributions that order the drops of f = x₁ + 10·x₂ have 1, whatever their scale; the opposite ones −1."""
    several = {"ordered": np.array([[2.0, 3.0]]), "opposite": np.array([[-1.0, -5.0]])}
    found = mu_fidelity(lambda x: x[:, 0] + 10 * x[:, 1], np.ones((1, 2)), several, fraction=0.5, subsets=50, seed=0)
    np.testing.assert_allclose([found["ordered"].mean, found["opposite"].mean], [1, -1])


CELLS = {  # of 5 by 4 pixels, by the centre of the pixel
    None: (None, np.arange(40).reshape(5, 4, 2)),
    "grid": (2, np.repeat([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3], [2, 2, 3, 3]], 2).reshape(5, 4, 2)),
}


@pytest.mark.parametrize("cells", CELLS)
def test_equals_its_definition(cells):
    """One example, one set at a time."""
    grid, ids = CELLS[cells]
    f = lambda x: np.tanh(x * W).sum()  # noqa: E731
    drawn = np.random.default_rng(7).random((25, ids.max() + 1)) < 0.4
    expected = []
    for x, relevance, start in zip(X, R, START, strict=True):
        removed = [subset[ids] for subset in drawn]
        sums = [relevance[mask].sum() for mask in removed]
        drops = [f(x) - f(np.where(mask, start, x)) for mask in removed]
        expected.append(scipy.stats.spearmanr(np.round(sums, 12), np.round(drops, 12)).statistic)
    found = mu_fidelity(logit, X, R, fraction=0.4, grid=grid, subsets=25, baseline=START, seed=7)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_drops_that_differ_by_rounding_are_equal():
    """Here the target depends on the first feature alone, but for what it loses in the sum with the others."""
    fn = lambda x: (x[:, 0] + x[:, 1] * 1e-3) - x[:, 1] * 1e-3  # noqa: E731
    x = np.array([[1.0, 1 / 3, 0.7]])
    found = mu_fidelity(fn, x, np.array([[1.0, 0.0, 0.0]]), fraction=0.5, subsets=40, seed=0)
    np.testing.assert_allclose(found.per_example, 1, rtol=1e-12)


def test_a_constant_side_has_no_score():
    assert np.isnan(mu_fidelity(logit, X, np.zeros_like(R), seed=0).per_example).all()


def test_the_grid_takes_the_place_of_groups():
    found = mu_fidelity(logit, X, R, grid=2, groups="positions", subsets=20, seed=0)
    expected = mu_fidelity(logit, X, R, groups=CELLS["grid"][1], subsets=20, seed=0)
    np.testing.assert_array_equal(found.per_example, expected.per_example)
