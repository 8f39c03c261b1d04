"""Tests of `rules/rectifier.py` against the definition of Rescale in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx

_POINTS = [-3.0, -1e-7, -0.0, 0.0, 1e-40, 1e-7, 0.5, np.nextafter(np.float32(0.5), np.float32(1)), 5.9, 6.0, 6.1, 1e30]
_TOP = {tf.nn.relu: None, tf.nn.relu6: 6}


def _slope(x, start, top):
    """(f(x) − f(x₀)) / (x − x₀), the derivative where x = x₀, in exact arithmetic."""

    def f(z):
        z = max(z, Fraction(0))
        return z if top is None else min(z, Fraction(top))

    x, start = Fraction(float(x)), Fraction(float(start))
    if x == start:
        return float(x > 0 and (top is None or x < top))
    return float((f(x) - f(start)) / (x - start))


@pytest.mark.parametrize("function", _TOP, ids=lambda function: function.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda dtype: dtype.__name__)
def test_multipliers_are_exact_slopes(function, dtype):
    x, start = (grid.astype(dtype).reshape(-1, 1) for grid in np.meshgrid(_POINTS, _POINTS))
    signature = [tf.TensorSpec([None, 1], dtype)]
    with dx.DeepExplain(function, input_signature=signature) as de:
        found = de.explain("deeplift", x, baseline=start, target=0)
    slopes = np.array([_slope(a, b, _TOP[function]) for a, b in zip(x[:, 0], start[:, 0], strict=True)])
    expected = slopes * (x - start)[:, 0].astype(np.float64)
    # Denormal differences are flushed to zero by the kernels; all others are exact to rounding.
    tiny = np.finfo(dtype).tiny
    rounding = 4 * np.finfo(dtype).eps * np.maximum(np.abs(x), np.abs(start))[:, 0] + tiny
    assert np.isfinite(found.attributions).all()
    assert (np.abs(found.attributions[:, 0] - expected) <= rounding).all()
    np.testing.assert_array_less(np.abs(found.completeness_gap), rounding + 1e-300)


def test_unmoved_units_pass_the_derivative_on():
    """A unit that did not move still tells its inputs apart, where their changes cancel."""

    def model(x):
        return tf.nn.relu(x[:, :1] + x[:, 1:] + 1.0)

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 2], tf.float64)]) as de:
        found = de.explain("deeplift", np.array([[2.0, -2.0]]))
    np.testing.assert_allclose(found.attributions, [[2.0, -2.0]])
