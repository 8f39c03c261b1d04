"""Tests of `rules/squared_difference.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, multipliers
from tests.references import numbers


def test_closed_form():
    a, b, a0, b0 = numbers(0, (4, 3), (4, 3), 3, 3)
    found = multipliers(tf.math.squared_difference, [a, b], [a0, b0])
    np.testing.assert_allclose(found[0], (a - b) + (a0 - b0), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(found[1], -found[0])


def test_one_active_operand_on_either_side():
    x, x0 = numbers(1, (4, 3), 3)
    for function in (
        lambda x: tf.math.squared_difference(x, 0.5 * tf.ones_like(x)),
        lambda x: tf.math.squared_difference(tf.constant(0.5, x.dtype), x),
    ):
        (found,) = multipliers(function, [x], [x0])
        np.testing.assert_allclose(found, x + x0 - 1, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: tf.math.squared_difference(a, b[:, :1]),
        lambda a, b: tf.math.squared_difference(a[:, :1], b),
        lambda a, b: tf.math.squared_difference(a[:, :, None], b[:, None, :]),
        lambda a, b: tf.math.squared_difference(a, tf.reduce_mean(a, 1, keepdims=True)) * b,
        lambda a, b: tf.nn.moments(tf.concat([a, b], 1), [1])[1],
    ],
    ids=["wide left", "wide right", "both wide", "mean", "moments"],
)
def test_sums_with_broadcasting(function):
    a, b, a0, b0 = numbers(2, (3, 3), (3, 3), 3, 3)
    a[0], b[1, 1:] = a0, b0[1:]
    assert_sums(function, [a, b], [a0, b0])


def test_ties_have_no_slope():
    x = numbers(3, 3)[0]
    found = multipliers(tf.math.squared_difference, [x[None], x[None]], [x, x])
    np.testing.assert_array_equal(found, np.zeros((2, 1, 3)))


@pytest.mark.parametrize("magnitude", [1e-100, 1e100])
def test_any_magnitude(magnitude):
    a, b, a0, b0 = numbers(4, (2, 3), (2, 3), 3, 3)
    inputs, baselines = [a * magnitude, b * magnitude], [a0 * magnitude, b0 * magnitude]
    assert_sums(tf.math.squared_difference, inputs, baselines)
