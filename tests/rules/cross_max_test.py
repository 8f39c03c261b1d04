"""Tests of `rules/cross_max.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, explain, multipliers
from tests.references import numbers


def _routed(x, x0, sign=1):
    """The multipliers of the largest of a row: all of Δy goes to the winner that moved it."""
    expected = np.zeros_like(x)
    for row, (a, b) in enumerate(zip(sign * x, np.broadcast_to(sign * x0, x.shape), strict=True)):
        winner = a.argmax() if a.max() >= b.max() else b.argmax()
        run = a[winner] - b[winner]
        expected[row, winner] = (a.max() - b.max()) / run if run else 0
    return expected


@pytest.mark.parametrize(("function", "sign"), [(tf.reduce_max, 1), (tf.reduce_min, -1)], ids=["max", "min"])
def test_reduction_routes_through_one_winner(function, sign):
    x, x0 = numbers(0, (6, 4), 4)
    (found,) = multipliers(lambda x: function(x, 1, keepdims=True), [x], [x0])
    np.testing.assert_allclose(found, _routed(x, x0, sign), rtol=1e-12)
    assert (found >= 0).all() and (found <= 1).all()


@pytest.mark.parametrize(("function", "sign"), [(tf.maximum, 1), (tf.minimum, -1)], ids=["max", "min"])
def test_of_two_tensors_routes_through_one_winner(function, sign):
    a, b, a0, b0 = numbers(1, (6, 1), (6, 1), 1, 1)
    found = multipliers(function, [a, b], [a0, b0])
    expected = _routed(np.hstack([a, b]), np.hstack([a0, b0]), sign)
    np.testing.assert_allclose(np.hstack(found), expected, rtol=1e-12)


_FUNCTIONS = {
    "max": lambda x: tf.reduce_max(x, [1, 2]),
    "min": lambda x: tf.reduce_min(x, 1)[:, :, 0],
    "max pool": lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID")[..., 0],
    "overlapping pool": lambda x: tf.nn.max_pool2d(x, 3, 1, "SAME")[:, ::3, 1, :],
    "pool along one axis": lambda x: tf.nn.max_pool1d(x[..., 0], 2, 2, "VALID")[:, :, :2],
    "maximum": lambda x: tf.maximum(x[:, :2], x[:, 2:])[:, 0],
    "minimum": lambda x: tf.minimum(x[:, :2], x[:, 2:])[:, :, 1],
    "broadcast": lambda x: tf.maximum(x[:, :, :1, 0], x[:, :1, :, 1])[:, 1],
    "of itself": lambda x: tf.maximum(x, x)[:, 0, 0],
}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums(name):
    x, x0 = numbers(2, (3, 4, 4, 2), (4, 4, 2))
    x[0, 1:3] = x0[1:3]
    assert_sums(_FUNCTIONS[name], [x], [x0])


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums_with_ties(name):
    """Whole numbers tie often: at x, at the baseline, and between the two."""
    generator = np.random.default_rng(3)
    x, x0 = (generator.integers(-2, 3, shape).astype(np.float64) for shape in ((4, 4, 4, 2), (4, 4, 2)))
    x[0] = 1
    x[1] = x0
    x[1, :2] += 1
    assert_sums(_FUNCTIONS[name], [x], [x0])


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums_from_a_constant_baseline(name):
    (x,) = numbers(4, (2, 4, 4, 2))
    assert_sums(_FUNCTIONS[name], [x], [np.zeros((4, 4, 2))])


def test_pool_three_dimensions():
    x, x0 = (array.astype(np.float32) for array in numbers(5, (2, 2, 4, 2, 1), (2, 4, 2, 1)))
    assert_sums(lambda x: tf.nn.max_pool3d(x, 2, 2, "VALID")[:, 0, :, 0, 0], [x], [x0], rtol=1e-5)


def test_one_baseline_is_the_same_as_one_for_each_example():
    x, x0 = numbers(6, (3, 4, 4, 2), (4, 4, 2))

    def model(x):
        return tf.reduce_sum(tf.nn.max_pool2d(x, 2, 2, "VALID"), [1, 2])

    shared = explain(model, "deeplift", x, target=1, baseline=x0)
    each = explain(model, "deeplift", x, target=1, baseline=np.broadcast_to(x0, x.shape))
    np.testing.assert_array_equal(shared.attributions, each.attributions)


def test_unmoved_maximum_passes_nothing():
    x, x0 = np.array([[3.0, 1.0, 2.0]]), np.array([3.0, -1.0, 0.0])
    (found,) = multipliers(lambda x: tf.reduce_max(x, 1, keepdims=True), [x], [x0])
    np.testing.assert_array_equal(found, np.zeros((1, 3)))


def test_winners_that_swap_without_moving_the_maximum():
    x, x0 = np.array([[5.0, 1.0]]), np.array([1.0, 5.0])
    (found,) = multipliers(lambda x: tf.reduce_max(x, 1, keepdims=True), [x], [x0])
    np.testing.assert_array_equal(found, np.zeros((1, 2)))


def test_huge_and_masked_values():
    x = np.array([[-1e300, 2.0, -1e9], [1e300, -1e300, 0.0]])
    assert_sums(lambda x: tf.reduce_max(x, 1, keepdims=True), [x], [np.array([-1e300, -1e9, 0.5])])


def test_tied_winners_share():
    x = np.array([[2.0, 2.0, 0.0]])
    (found,) = multipliers(lambda x: tf.reduce_max(x, 1, keepdims=True), [x], [np.zeros(3)])
    np.testing.assert_array_equal(found, [[0.5, 0.5, 0.0]])
