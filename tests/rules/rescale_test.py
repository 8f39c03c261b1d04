"""Tests of `rules/rescale.py`."""

import numpy as np
import pytest
from scipy import special
import tensorflow as tf

from tests.checks import assert_sums, explain, in_turn, multipliers

_FUNCTIONS = {
    "relu": (tf.nn.relu, lambda z: np.maximum(z, 0)),
    "relu6": (tf.nn.relu6, lambda z: np.clip(z, 0, 6)),
    "leaky_relu": (lambda z: tf.nn.leaky_relu(z, 0.25), lambda z: np.where(z > 0, z, z / 4)),
    "elu": (tf.nn.elu, lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0)))),
    "softplus": (tf.nn.softplus, lambda z: np.logaddexp(0, z)),
    "softsign": (tf.nn.softsign, lambda z: z / (1 + np.abs(z))),
    "sigmoid": (tf.sigmoid, special.expit),
    "tanh": (tf.tanh, np.tanh),
    "exp": (tf.exp, np.exp),
    "erf": (tf.math.erf, special.erf),
    "square": (tf.square, np.square),
    "sin": (tf.sin, np.sin),
    "abs": (tf.abs, np.abs),
    "sign": (tf.sign, np.sign),
}
_POSITIVE = {
    "log": (tf.math.log, np.log),
    "log1p": (tf.math.log1p, np.log1p),
    "sqrt": (tf.sqrt, np.sqrt),
    "rsqrt": (tf.math.rsqrt, lambda z: 1 / np.sqrt(z)),
    "reciprocal": (tf.math.reciprocal, lambda z: 1 / z),
    "lgamma": (tf.math.lgamma, special.gammaln),
}


def _apart(low, high):
    """Pairs of points that are nowhere close, with a tie of signs and a change of sign among them."""
    generator = np.random.default_rng(0)
    x, x0 = generator.uniform(low, high, (2, 6, 5))
    return np.where(np.abs(x - x0) < 0.1, x0 + 0.3, x), x0[0]


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_multiplier_is_the_secant(name):
    function, reference = _FUNCTIONS[name]
    x, x0 = _apart(-3, 3)
    (found,) = multipliers(function, [x], [x0])
    np.testing.assert_allclose(found, (reference(x) - reference(x0)) / (x - x0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", _POSITIVE)
def test_multiplier_is_the_secant_on_positive_numbers(name):
    function, reference = _POSITIVE[name]
    x, x0 = _apart(0.2, 4)
    (found,) = multipliers(function, [x], [x0])
    np.testing.assert_allclose(found, (reference(x) - reference(x0)) / (x - x0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_equal_points_have_the_derivative(dtype):
    x0 = np.array([-2.0, -0.5, 0.0, 0.5, 2.0]).astype(tf.as_dtype(dtype).as_numpy_dtype)
    (found,) = multipliers(tf.tanh, [x0[None]], [x0])
    assert found.dtype == x0.dtype
    tolerance = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 1e-6, "float64": 1e-14}[dtype]
    expected = 1 - np.tanh(x0.astype(np.float64)) ** 2
    np.testing.assert_allclose(found[0].astype(np.float64), expected, rtol=0, atol=tolerance)


def test_some_features_equal_and_others_not():
    x, x0 = np.array([[1.0, 2.0, -1.0]]), np.array([1.0, -2.0, -1.0])
    (found,) = multipliers(tf.sigmoid, [x], [x0])
    slopes = special.expit(x) * special.expit(-x)
    slopes[0, 1] = (special.expit(2.0) - special.expit(-2.0)) / 4
    np.testing.assert_allclose(found, slopes, rtol=1e-14)


@pytest.mark.parametrize(("dtype", "relative", "rtol"), [("float32", 3e-6, 1e-6), ("float64", 3e-9, 1e-8)])
@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e4])
def test_points_within_rounding_have_the_derivative_in_the_middle(dtype, relative, rtol, magnitude):
    x0 = np.array([magnitude], dtype)
    x = x0 * np.array(1 + relative, dtype)
    assert x != x0
    (found,) = multipliers(tf.square, [x[None]], [x0])
    np.testing.assert_allclose(found[0], x0 + x, rtol=rtol)


@pytest.mark.parametrize("relative", [1e-7, 1e-3])
def test_the_threshold_is_relative(relative):
    x0 = np.array([1e-6, 1.0, 1e6])
    x = x0 * (1 + relative)
    (found,) = multipliers(tf.square, [x[None]], [x0])
    np.testing.assert_array_equal(found[0], (x**2 - x0**2) / (x - x0))


def test_opposite_signs_are_never_close():
    x0 = np.array([1e-30, 1e-12, 1e-300])
    (found,) = multipliers(tf.nn.relu, [-x0[None]], [x0])
    np.testing.assert_array_equal(found, np.full((1, 3), 0.5))


@pytest.mark.parametrize("function", [tf.sqrt, tf.math.rsqrt, tf.math.log], ids=lambda f: f.__name__)
def test_infinite_slope_counts_as_zero_where_nothing_moves(function):
    x, x0 = np.array([[0.0, 4.0]]), np.array([0.0, 1.0])
    (found,) = multipliers(lambda x: function(x)[:, 1:], [x], [x0])
    assert np.isfinite(found).all()
    (alone,) = multipliers(function, [x[:, :1]], [x0[:1]])
    np.testing.assert_array_equal(alone, [[0.0]])


def test_square_root_from_zero_is_a_secant():
    assert_sums(tf.sqrt, [np.array([[4.0, 1e-12]])], [np.array([0.0, 0.0])])
    (found,) = multipliers(tf.sqrt, [np.array([[4.0, 1e-12]])], [np.zeros(2)])
    np.testing.assert_allclose(found, [[0.5, 1e6]], rtol=1e-12)


@pytest.mark.parametrize("dtype", in_turn(["float32", "float64"]))
def test_huge_and_tiny_values_stay_finite(dtype):
    x = np.array([[-90.0, 90.0, -800.0, 800.0, 1e-30, 1e30, -1e30, 0.0]], dtype)
    for function in (tf.sigmoid, tf.tanh, tf.nn.softplus, tf.nn.elu, tf.nn.relu, tf.nn.softsign):
        for baseline in (np.zeros(8, dtype), -x[0], x[0], np.full(8, 1e-30, dtype)):
            (found,) = multipliers(function, [x], [baseline])
            assert np.isfinite(found).all(), function.__name__


def test_exponentials_far_below_one():
    x, x0 = np.array([[-90.0, -700.0, 0.0]]), np.array([-91.0, -699.0, -90.0])
    (found,) = multipliers(tf.exp, [x], [x0])
    np.testing.assert_allclose(found, (np.exp(x) - np.exp(x0)) / (x - x0), rtol=1e-12)
    assert (found > 0).all()


def test_one_unit_of_a_step():
    x, x0 = np.array([[2.5, 2.7, -0.5]]), np.array([0.5, 2.2, 0.5])
    (found,) = multipliers(tf.floor, [x], [x0])
    np.testing.assert_array_equal(found, [[1.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.pow(x[:, :, None], tf.constant([2.0, 3.0, -1.0], x.dtype)),
        lambda x: tf.maximum(x[:, :, None], tf.constant([-0.5, 0.0, 1.0], x.dtype)),
        lambda x: tf.minimum(tf.constant([[0.5]], x.dtype), x),
        lambda x: tf.pow(tf.constant([[2.0], [0.5]], x.dtype), x[:, None, :]),
        lambda x: tf.clip_by_value(x, -0.5, 0.75),
    ],
    ids=["pow", "maximum", "minimum", "constant to the power", "clip"],
)
def test_constants_beside_it_may_broadcast(function):
    x, x0 = _apart(0.3, 2)
    assert_sums(function, [x[:1]], [x0])


def test_broadcast_of_the_batch_by_a_constant():
    x = np.array([[1.5, -0.5]])
    e = explain(
        lambda x: tf.reduce_sum(tf.maximum(x[:, None, :], tf.constant([[0.0], [1.0]], x.dtype)), 1),
        "deeplift",
        x,
        target=0,
    )
    np.testing.assert_allclose(e.attributions, [[2.0, 0.0]], rtol=1e-14)


def test_one_baseline_is_the_same_as_one_for_each_example():
    x, x0 = _apart(-3, 3)
    x[2] = x0
    shared = explain(tf.tanh, "deeplift", x, target=1, baseline=x0)
    each = explain(tf.tanh, "deeplift", x, target=1, baseline=np.broadcast_to(x0, x.shape))
    np.testing.assert_array_equal(shared.attributions, each.attributions)
    np.testing.assert_array_equal(shared.baseline_outputs, each.baseline_outputs)
