"""Tests of `rules/quotient.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, multipliers


def _numbers(seed, *shapes):
    generator = np.random.default_rng(seed)
    return [generator.uniform(0.2, 3, shape) * generator.choice([-1, 1], shape) for shape in shapes]


def test_closed_form():
    a, b, a0, b0 = _numbers(0, (4, 3), (4, 3), 3, 3)
    found = multipliers(tf.divide, [a, b], [a0, b0])
    np.testing.assert_allclose(found[0], (1 / b + 1 / b0) / 2, rtol=1e-12)
    np.testing.assert_allclose(found[1], -(a + a0) / 2 / (b * b0), rtol=1e-12)


def test_constant_over_active():
    b, b0 = _numbers(1, (4, 3), 3)
    (found,) = multipliers(lambda b: 5.0 / b, [b], [b0])
    np.testing.assert_allclose(found, -5 / (b * b0), rtol=1e-13)


def test_active_over_constant_is_linear():
    a, a0 = _numbers(2, (4, 3), 3)
    (found,) = multipliers(lambda a: a / 4.0, [a], [a0])
    np.testing.assert_array_equal(found, np.full((4, 3), 0.25))


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a / b[:, :1],
        lambda a, b: a[:, :1] / b,
        lambda a, b: a[:, :, None] / b[:, None, :],
        lambda a, b: tf.math.divide_no_nan(a, b),
        lambda a, b: a / (b * a + 20.0),
        lambda a, b: a / tf.reduce_sum(b * b, 1, keepdims=True),
    ],
    ids=["wide numerator", "wide denominator", "both wide", "no nan", "numerator below too", "normalised"],
)
def test_sums_with_broadcasting(function):
    a, b, a0, b0 = _numbers(3, (3, 3), (3, 3), 3, 3)
    a[0], b[1, 1:] = a0, b0[1:]
    assert_sums(function, [a, b], [a0, b0])


def test_same_value_above_and_below_moves_nothing():
    x, x0 = _numbers(4, (4, 3), 3)
    (found,) = multipliers(lambda x: x / x, [x], [x0])
    np.testing.assert_allclose(found * (x - x0), 0, atol=1e-13)


def test_zero_denominators_of_divide_no_nan():
    a, b = np.array([[3.0, 3.0, 3.0, 0.0]]), np.array([[0.0, 2.0, 0.0, 0.0]])
    a0, b0 = np.array([1.0, 1.0, 1.0, 2.0]), np.array([4.0, 0.0, 0.0, 5.0])
    found = multipliers(tf.math.divide_no_nan, [a, b], [a0, b0])
    assert np.isfinite(found).all()
    change = np.array([[0 - 1 / 4, 3 / 2 - 0, 0, 0 - 2 / 5]])
    np.testing.assert_allclose(found[0] * (a - a0) + found[1] * (b - b0), change, atol=1e-14)


@pytest.mark.parametrize("magnitude", [1e-100, 1e-8, 1e8, 1e100])
def test_any_magnitude(magnitude):
    a, b, a0, b0 = _numbers(5, (2, 3), (2, 3), 3, 3)
    assert_sums(tf.divide, [a, b * magnitude], [a0, b0 * magnitude])
