"""Tests of `methods/blur_ig.py` and `paths/blur.py`."""

import functools

import numpy as np
import pytest
from scipy import ndimage
import tensorflow as tf

from deepexplain_tf import DeepExplain
from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.paths.quadrature import QUADRATURES
from tests import references as ref
from tests.checks import explain, in_turn, message_of

_X, _W, _B = ref.numbers(0, (2, 7, 9, 3), (7, 9, 3), (7, 9, 3))


def _linear(x):
    return tf.reduce_sum(x * tf.constant(_W, x.dtype), [1, 2, 3])


def _bent(x):
    return tf.reduce_sum(tf.tanh(x * tf.constant(_W, x.dtype) + tf.constant(_B, x.dtype)), [1, 2, 3])


def _slope(x):
    return _W * (1 - np.tanh(x * _W + _B) ** 2)


def _blurred(x, sigmas):
    """The blur of scipy, whose kernel is cut off only beyond all borders and where it is below 1e-30."""
    reach = [12 + 2 * max(x.shape) / sigma if sigma else 4.0 for sigma in sigmas]
    for axis, (sigma, truncate) in enumerate(zip(sigmas, reach, strict=True), 1):
        if sigma:
            x = ndimage.gaussian_filter1d(x, sigma, axis, mode="constant", truncate=truncate)
    return x


@pytest.mark.parametrize("settings", in_turn([{}, {"jit_compile": True}]), ids=["", "xla"])
def test_of_a_linear_function_it_is_the_weighted_loss_of_the_blur(settings):
    with DeepExplain(_linear, **settings) as de:
        attribute = de.explainer("blur_ig", n_steps=160, chunk_size=64)
        for sigma in (0.3, 1.0, 4.0):
            blurred = _blurred(_X, [sigma, sigma, 0])
            e = attribute(_X, max_sigma=sigma)
            np.testing.assert_allclose(e.attributions, _W * (_X - blurred), rtol=0, atol=1e-12)
            np.testing.assert_allclose(e.baseline_outputs, (_W * blurred).sum((1, 2, 3)), rtol=0, atol=1e-12)
            np.testing.assert_allclose(e.outputs, (_W * _X).sum((1, 2, 3)), rtol=1e-12)
            np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-11)


@pytest.mark.parametrize("sqrt", [False, True])
def test_a_step_is_the_gradient_times_the_change_by_the_blur(sqrt):
    """The right sum over 6 steps, with the derivative of the blur by a difference of scipy's blurs."""
    step, expected = 1e-5, np.zeros_like(_X)
    sigma = lambda alpha: 2.5 * np.sqrt(1 - alpha) if sqrt else 2.5 * (1 - alpha)  # noqa: E731
    for alpha, weight in zip(*QUADRATURES["midpoint"](6), strict=True):
        around = [_blurred(_X, [sigma(alpha + shift)] * 2 + [0]) for shift in (-step, 0, step)]
        expected += weight * (around[2] - around[0]) / (2 * step) * _slope(around[1])
    e = explain(_bent, "blur_ig", _X, max_sigma=2.5, n_steps=6, quadrature="midpoint", sqrt=sqrt)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-6)
    assert e.n_steps == 6


def test_even_steps_of_sigma_and_of_the_variance_have_one_integral():
    with DeepExplain(_bent) as de:
        found = [de.explain("blur_ig", _X, max_sigma=2.0, n_steps=400, sqrt=sqrt) for sqrt in (False, True)]
        to_tolerance = de.explain("blur_ig", _X, max_sigma=2.0, tolerance=1e-3)
    np.testing.assert_allclose(found[0].attributions, found[1].attributions, rtol=0, atol=1e-7)
    error = np.linalg.norm(to_tolerance.attributions - found[0].attributions) / np.linalg.norm(found[0].attributions)
    assert error < 1e-3 and to_tolerance.n_steps.shape == (2,)


@pytest.mark.parametrize(
    ("shape", "max_sigma", "sigmas"),
    [
        ((5, 4, 1, 2), 1.5, (1.5, 1.5, 1.5, 0)),  # a volume, with an axis of one position
        ((6, 5), (2.0, 1.0), (2.0, 1.0)),  # a picture without channels
        ((2, 6, 5), (0, 2, 2), (0, 2.0, 2.0)),  # channels first
        ((11,), np.array([4.0]), (4.0,)),
    ],
)
def test_which_axes_are_blurred(shape, max_sigma, sigmas):
    x, weights = ref.numbers(1, (3, *shape), shape)
    e = explain(
        lambda x: tf.reduce_sum(x * weights, list(range(1, x.ndim))), "blur_ig", x, max_sigma=max_sigma, n_steps=100
    )
    np.testing.assert_allclose(e.attributions, weights * (x - _blurred(x, sigmas)), rtol=0, atol=1e-12)


def test_several_inputs_are_blurred_together_and_a_sigma_of_0_keeps_one_as_it_is():
    x, y = ref.numbers(2, (2, 6, 2), (2, 3))
    product = lambda x, y: tf.reduce_sum(x, [1, 2]) * tf.reduce_sum(y**2, 1)  # noqa: E731
    signature = [tf.TensorSpec([None, 6, 2], tf.float64, "x"), tf.TensorSpec([None, 3], tf.float64, "y")]
    options = {"max_sigma": {"y": (0.0,), "x": (2.0, 0.0)}, "n_steps": 100}
    e = explain(product, "blur_ig", {"y": y, "x": x}, input_signature=signature, **options)
    expected = (x - _blurred(x, (2.0, 0))) * (y**2).sum(1)[:, None, None]
    np.testing.assert_allclose(e.attributions["x"], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(e.attributions["y"], 0)


def test_open_lengths_a_wide_sigma_and_float32():
    """The kernel's sum has its own formula for a narrow and for a broad kernel; σ = 50 reaches beyond the borders."""
    (x,) = ref.numbers(3, (2, 300, 1))
    signature = [tf.TensorSpec([None, None, 1], tf.float32)]
    with DeepExplain(lambda x: tf.reduce_sum(tf.abs(x), [1, 2]), input_signature=signature) as de:
        for length in (300, 20):
            part = x[:, :length].astype(np.float32)
            e = de.explain("blur_ig", part, tolerance=0.01)
            blurred = _blurred(part.astype(np.float64), (50.0, 0))
            np.testing.assert_allclose(e.baseline_outputs, np.abs(blurred).sum((1, 2)), rtol=1e-4)
            assert (np.abs(e.completeness_gap) < 0.01 * np.abs(e.outputs - e.baseline_outputs)).all()


def test_another_sigma_and_number_of_steps_compile_nothing_anew():
    with DeepExplain(_bent) as de:
        attribute = de.explainer("blur_ig")
        first = attribute(_X, max_sigma=2.0)
        n_traces = attribute.n_traces
        again = attribute(_X, max_sigma=3.0, n_steps=20)
    assert attribute.n_traces == n_traces
    assert np.abs(first.attributions - again.attributions).max() > 1e-3


def test_max_sigma_is_a_number_or_one_for_each_axis():
    with DeepExplain(_linear) as de:
        for wrong in (
            0,
            -1.0,
            np.nan,
            np.inf,
            1e7,
            "5",
            True,
            None,
            (1, 2),
            (0, 0, 0),
            (1, 1, -1),
            [[1, 1, 0]],
            {"x": 1},
        ):
            message_of(functools.partial(de.explain, "blur_ig", _X, max_sigma=wrong), OptionError, "max_sigma must be")


def test_vectors_without_a_sigma_for_their_axis_and_a_baseline_are_refused():
    vectors = lambda x: tf.reduce_sum(x, 1)  # noqa: E731
    message_of(lambda: explain(vectors, "blur_ig", _X[:, 0, :, 0]), InputError, "spatial axes", "[9]")
    message_of(lambda: explain(_linear, "blur_ig", _X, baseline=0.0), OptionError, "baseline", "blur_ig")
    message_of(lambda: explain(_linear, "blur_ig", _X, sqrt=1), OptionError, "sqrt must be True or False")
