import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.methods.standard_error import standard_error


@pytest.mark.parametrize("count", [2, 3, 50])
def test_standard_error_of_a_mean(count: int):
    values = np.random.default_rng(0).normal(size=(count, 4))
    found = standard_error(tf.constant(((values - values.mean(0)) ** 2).sum(0)), tf.constant(count))
    np.testing.assert_allclose(found, values.std(0, ddof=1) / np.sqrt(count), rtol=1e-12)


def test_a_single_value_has_none():
    assert np.isnan(standard_error(tf.zeros([3]), tf.constant(1))).all()


@pytest.mark.parametrize("count", [1, 4])
def test_its_derivative_is_finite_where_nothing_varies(count: int):
    deviations = tf.zeros([3])
    with tf.GradientTape() as tape:
        tape.watch(deviations)
        found = standard_error(deviations, tf.constant(count))
    np.testing.assert_array_equal(tape.gradient(found, deviations), np.zeros(3))
