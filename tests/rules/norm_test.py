"""Tests of `rules/norm.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, multipliers


def _spectrum(x):
    return tf.abs(tf.signal.rfft(x))


def _modulus(a, b):
    return tf.abs(tf.complex(a, b))


@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e100])
def test_closed_form(scale):
    a, b, a0, b0 = np.random.default_rng(0).normal(size=(4, 2, 3)) * scale
    a0, b0 = a0[0], b0[0]
    total = np.hypot(a, b) + np.hypot(a0, b0)
    found = multipliers(_modulus, [a, b], [a0, b0])
    np.testing.assert_allclose(found[0], (a + a0) / total, rtol=1e-12)
    np.testing.assert_allclose(found[1], (b + b0) / total, rtol=1e-12)


def test_sums_from_zero_and_at_equal_points():
    a, b = np.random.default_rng(1).normal(size=(2, 3, 3))
    a0, b0 = np.zeros(3), np.zeros(3)
    a[0, 0] = b[0, 0] = 0
    assert_sums(_modulus, [a, b], [a0, b0])
    assert_sums(_modulus, [a, b], [a[1], b[1]])


def test_magnitudes_of_a_spectrum():
    x, x0 = np.random.default_rng(2).normal(size=(2, 2, 8)).astype(np.float32)
    assert_sums(_spectrum, [x], [x0[0]], rtol=1e-5)
