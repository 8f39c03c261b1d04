"""Tests of `rules/joint.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_sums, explain, multipliers


def _numbers(seed, *shapes):
    generator = np.random.default_rng(seed)
    return [generator.uniform(0.3, 2, size=shape) for shape in shapes]


_FUNCTIONS = {
    "atan2": tf.math.atan2,
    "pow": tf.pow,
    "xlogy": tf.math.xlogy,
    "xlog1py": tf.math.xlog1py,
    "xdivy": tf.math.xdivy,
    "select": lambda a, b: tf.where(a > b, a * a, b),
}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_sums(name):
    a, b, a0, b0 = _numbers(0, (4, 3), (4, 3), 3, 3)
    if name == "select":
        a, a0 = np.where((a > b) == (a0 > b0), a, 2 * b - a), a0  # the same choice at both points
    a[0, 1], b[1] = a0[1], b0
    assert_sums(_FUNCTIONS[name], [a, b], [a0, b0])


@pytest.mark.parametrize("name", ["atan2", "pow", "xlogy", "xdivy"])
def test_sums_with_broadcasting(name):
    a, b, a0, b0 = _numbers(1, (4, 3), (4, 1), 3, 1)
    assert_sums(_FUNCTIONS[name], [a, b], [a0, b0])
    assert_sums(lambda a, b: _FUNCTIONS[name](b, a), [a, b], [a0, b0])


@pytest.mark.parametrize("name", ["atan2", "pow", "xlogy", "xdivy"])
def test_equal_points_have_the_gradient(name):
    a, b = _numbers(2, 3, 3)
    found = multipliers(_FUNCTIONS[name], [a[None], b[None]], [a, b])
    tensors = [tf.constant(a[None]), tf.constant(b[None])]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = _FUNCTIONS[name](*tensors)
    for got, wanted in zip(found, tape.gradient(output, tensors), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-13)


def test_closed_form_of_an_arc():
    """Both operands of atan2 move: what the derivative leaves is shared by the size of the moves."""
    a, b, a0, b0 = (np.array([[value]]) for value in (1.0, 2.0, 0.5, 0.25))
    ma, mb = (a + a0) / 2, (b + b0) / 2
    slopes = mb / (ma**2 + mb**2), -ma / (ma**2 + mb**2)
    moves = a - a0, b - b0
    change = np.arctan2(a, b) - np.arctan2(a0, b0)
    missing = (change - slopes[0] * moves[0] - slopes[1] * moves[1]) / (moves[0] ** 2 + moves[1] ** 2)
    found = multipliers(tf.math.atan2, [a, b], [a0[0], b0[0]])
    for got, slope, move in zip(found, slopes, moves, strict=True):
        np.testing.assert_allclose(got, slope + move * missing, rtol=1e-13)


def test_selection_by_another_value_is_finite_and_says_its_gap():
    """Where only the condition changes, nothing can be attributed; the gap reports it."""
    x, x0 = np.array([[1.0, 2.0]]), np.array([-1.0, 2.0])

    def model(x):
        return tf.where(x[:, 0] > 0, x[:, 1] * 3.0, x[:, 1])

    e = explain(model, "deeplift", x, baseline=x0)
    assert np.isfinite(e.attributions).all()
    np.testing.assert_allclose(e.completeness_gap, e.attributions.sum(1) - 4.0, rtol=1e-14)
