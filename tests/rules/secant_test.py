"""Tests of `rules/secant.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, derivative, explain, multipliers
from tests.references import numbers

_FUNCTIONS = {
    "top_k": lambda x: tf.math.top_k(x, 3).values,
    "sort": lambda x: tf.sort(x, 1),
    "sort downwards": lambda x: tf.sort(x, 1, "DESCENDING"),
    "prod": lambda x: tf.reduce_prod(x, 1, keepdims=True),
    "prod without its axis": lambda x: tf.reduce_prod(x, 1)[:, None],
    "cumprod": lambda x: tf.math.cumprod(x, 1),
    "cumprod backwards": lambda x: tf.math.cumprod(x, 1, exclusive=True, reverse=True),
    "cumulative_logsumexp": lambda x: tf.math.cumulative_logsumexp(x, 1),
}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums(name):
    x, x0 = numbers(0, (4, 5), 5)
    x[0, :3] = x0[:3]
    x[1] = -x0
    x[2, 1] = 0
    assert_sums(_FUNCTIONS[name], [x], [x0])


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums_with_ties(name):
    x, x0 = np.array([[1.0, 2.0, 2.0, 1.0, 2.0], [2.0, 2.0, 2.0, 2.0, 3.0]]), np.array([2.0, 1.0, 2.0, 2.0, 1.0])
    assert_sums(_FUNCTIONS[name], [x], [x0])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reduce_prod(x, [1, 2])[:, None],
        lambda x: tf.reduce_prod(x, 2),
        lambda x: tf.reduce_prod(x, -1, keepdims=True)[:, :, 0],
        lambda x: tf.math.cumprod(x, 2)[:, :, -1],
        lambda x: tf.sort(x, 1)[:, 0],
        lambda x: tf.sort(x, -1)[:, 1],
    ],
    ids=["both axes", "last axis", "kept axis", "running", "first axis", "sorted"],
)
def test_sums_on_each_axis(function):
    x, x0 = numbers(1, (3, 3, 4), (3, 4))
    x[0, 1] = x0[1]
    assert_sums(function, [x], [x0])


def test_response_normalisation():
    x, x0 = (array.astype(np.float32) for array in numbers(2, (2, 2, 2, 4), (2, 2, 4)))
    assert_sums(lambda x: tf.nn.local_response_normalization(x, 1)[:, 0, 0], [x], [x0], rtol=1e-5)


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_equal_points_have_the_gradient(name):
    (x,) = numbers(3, 5)
    (found,) = multipliers(_FUNCTIONS[name], [x[None]], [x])
    np.testing.assert_allclose(found, derivative(_FUNCTIONS[name], x[None]), rtol=1e-12, atol=1e-15)


def test_zeros_in_a_product():
    x, x0 = np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 1.0]]), np.array([1.0, 1.0, 2.0])
    assert_sums(_FUNCTIONS["prod"], [x], [x0])
    assert_sums(_FUNCTIONS["cumprod"], [x], [x0])


def test_indices_of_sorting_are_nonumbers():
    """The order is a choice; only the values carry attribution."""
    x, x0 = numbers(4, (2, 4), 4)
    e = explain(lambda x: tf.math.top_k(x, 2).values[:, 1] ** 2, "deeplift", x, baseline=x0)
    np.testing.assert_allclose(e.attributions.sum(1), np.sort(x)[:, 2] ** 2 - np.sort(x0)[2] ** 2, rtol=1e-11)
