"""Tests of `objective/normal.py`."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from deepexplain_tf.objective.normal import normal

_KEY = tf.constant(2**63 + 12345, tf.uint64)


def _drawn(first: int, count: int, shape: tuple[int, ...], dtype: tf.DType = tf.float64, **how: bool) -> np.ndarray:
    like = tf.zeros([2, *shape])
    function = tf.function(lambda: normal(_KEY, tf.constant(first), tf.constant(count), like, dtype), **how)
    return function().numpy()


def test_they_are_standard_normal():
    values = _drawn(0, 40, (25, 100))
    assert scipy.stats.kstest(values.ravel(), "norm").pvalue > 0.01
    lags = np.corrcoef(values.reshape(40, -1))[np.triu_indices(40, 1)]
    assert np.abs(lags).max() < 4.5 / np.sqrt(2500)
    halves = np.corrcoef(values.reshape(40, 2, -1)[:, 0].ravel(), values.reshape(40, 2, -1)[:, 1].ravel())
    assert abs(halves[0, 1]) < 4 / np.sqrt(50_000)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (4,), (7,), (2, 3, 3)])
def test_a_number_is_the_same_whichever_are_drawn_together(shape: tuple[int, ...]):
    all_of_them = _drawn(0, 9, shape)
    assert all_of_them.shape == (9, *shape)
    assert len(np.unique(all_of_them)) == all_of_them.size
    for first, count in ((0, 1), (3, 2), (8, 1)):
        np.testing.assert_allclose(_drawn(first, count, shape), all_of_them[first : first + count], rtol=1e-14)


def test_other_programs_draw_the_same():
    expected = _drawn(5, 6, (17,))
    np.testing.assert_allclose(_drawn(5, 6, (17,), jit_compile=True), expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(_drawn(5, 6, (17,), tf.float32), expected, rtol=0, atol=1e-5)
    eager = normal(_KEY, tf.constant(5), tf.constant(6), tf.zeros([0, 17]), tf.float64)
    np.testing.assert_allclose(eager, expected, rtol=0, atol=1e-14)


def test_another_key_draws_others():
    drawn = normal(_KEY + 1, tf.constant(0), tf.constant(4), tf.zeros([1, 50]), tf.float64)
    assert np.abs(np.asarray(drawn) - _drawn(0, 4, (50,))).min() > 0


def test_an_example_without_elements_gets_none():
    assert _drawn(2, 3, (0, 4)).shape == (3, 0, 4)
