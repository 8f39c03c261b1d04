"""The quantile of a squared error against drawn errors."""

import numpy as np
import pytest

from deepexplain_tf.paths.scatter import quantile


@pytest.mark.parametrize("features", [1, 2, 10, 300])
@pytest.mark.parametrize("intervals", [1, 2, 5, 40])
def test_the_quantile_is_that_of_drawn_errors(intervals: int, features: int):
    generator = np.random.default_rng(intervals)
    jumps = generator.normal(size=(intervals, features)) * generator.uniform(0.2, 2, (intervals, 1))
    nodes = np.concatenate([np.zeros((1, features)), np.cumsum(jumps, 0)])
    order = generator.permutation(intervals + 1)
    products = np.empty((intervals + 1,) * 2)
    products[np.ix_(order, order)] = nodes @ nodes.T
    errors = (jumps**2).sum(1) / 12
    drawn = (((generator.uniform(-0.5, 0.5, (20_000, intervals)) @ jumps) ** 2).sum(1)) / errors.sum()
    # A single interval ends at (u − ½)² = ¼, before the tail of χ² does.
    wanted = np.quantile(drawn, 0.98)
    assert wanted * 0.9 <= quantile(errors, products, order) <= wanted * (1.5 if intervals < 3 else 1.25)


def test_nothing_is_above_no_error():
    products = np.ones((4, 4))
    assert quantile(np.zeros(3), products, np.arange(4)) == 1
    assert quantile(np.array([0, np.inf, 1]), products, np.arange(4)) == 1


def test_one_jump_among_intervals_of_equal_ends_is_alone():
    nodes = np.array([0.0, 0, 0, 1, 1])[:, np.newaxis]
    found = quantile(np.array([0, 0, 1 / 12, 0]), nodes @ nodes.T, np.arange(5))
    assert found == quantile(np.array([1 / 12]), nodes[2:4] @ nodes[2:4].T, np.arange(2))
