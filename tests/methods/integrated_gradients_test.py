"""Tests of `methods/integrated_gradients.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf import DeepExplain, DeepExplainError
from tests import references as ref
from tests.checks import explain, in_turn
from tests.models import filled

_X, _X0 = ref.numbers(0, (5, 4), 4)
_SMOOTH = [
    *ref.random_network(1, [4, 6], "tanh"),
    ref.Gate(ref.random_network(2, [6, 5], "sigmoid"), ref.random_network(3, [6, 5], "softplus")),
    ref.Residual(ref.random_network(4, [5, 4, 5], "tanh")),
    *ref.random_network(5, [5, 3], "tanh"),
]
_PIECEWISE = ref.random_network(6, [4, 8, 6, 3], "relu")


@pytest.mark.parametrize("baseline", [None, _X0], ids=["zeros", "given"])
def test_smooth_networks_to_full_precision(baseline):
    e = explain(ref.in_tensorflow(_SMOOTH), "integrated_gradients", _X, target=1, baseline=baseline)
    start = np.zeros(4) if baseline is None else baseline
    expected = ref.integrated_gradients(_SMOOTH, _X, start, 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    np.testing.assert_allclose(e.outputs, ref.forward(_SMOOTH, _X)[:, 1], rtol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(_SMOOTH, start[None])[0, 1] * np.ones(5), rtol=1e-12)
    assert e.n_steps == 64


def test_one_baseline_for_each_example():
    (each,) = ref.numbers(1, _X.shape)
    e = explain(ref.in_tensorflow(_SMOOTH), "ig", _X, target=0, baseline=each)
    expected = ref.integrated_gradients(_SMOOTH, _X, each, 0)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-12)
    assert e.method == "integrated_gradients"


@pytest.mark.parametrize("quadrature", in_turn(["gauss_legendre", "midpoint", "trapezoid", "left", "right"]))
def test_every_quadrature_tends_to_the_exact_integral_of_a_relu_network(quadrature):
    exact = ref.integrated_gradients(_PIECEWISE, _X, _X0, 2)
    assert any(len(ref.kinks(_PIECEWISE, x, _X0)) > 4 for x in _X)
    errors, gaps = [], []
    for n_steps in (16, 256):
        options = {"n_steps": n_steps, "quadrature": quadrature, "chunk_size": 256}
        model = ref.in_tensorflow(_PIECEWISE)
        e = explain(model, "integrated_gradients", _X, target=2, baseline=_X0, **options)
        errors.append(np.abs(e.attributions - exact).max())
        gaps.append(np.abs(e.completeness_gap).max())
        np.testing.assert_allclose(
            e.completeness_gap, e.attributions.sum(1) - (e.outputs - e.baseline_outputs), atol=1e-13
        )
    assert errors[1] < errors[0] / 4
    assert errors[1] < 0.01
    assert gaps[1] < gaps[0]


@pytest.mark.parametrize("n_steps", [1, 2, 5])
def test_few_steps_are_the_sum_itself(n_steps):
    options = {"n_steps": n_steps, "quadrature": "right"}
    e = explain(ref.in_tensorflow(_PIECEWISE), "integrated_gradients", _X, target=0, baseline=_X0, **options)
    alphas = (1 + np.arange(n_steps)) / n_steps
    gradients = [ref.gradient(_PIECEWISE, _X0 + alpha * (_X - _X0), 0) for alpha in alphas]
    np.testing.assert_allclose(e.attributions, (_X - _X0) * np.mean(gradients, 0), rtol=1e-10, atol=1e-13)


def test_each_example_has_its_own_path_in_any_chunks():
    model = ref.in_tensorflow(_SMOOTH)
    whole = explain(model, "integrated_gradients", _X, target=[0, 1, 2, 1, 0], baseline=_X0)
    for row, chunk_size in ((0, 1), (2, 7), (4, 1000)):
        options = {"chunk_size": chunk_size, "batch_size": 1}
        alone = explain(model, "integrated_gradients", _X[[row]], target=[0, 1, 2, 1, 0][row], baseline=_X0, **options)
        np.testing.assert_allclose(alone.attributions[0], whole.attributions[row], rtol=1e-12, atol=1e-14)


def test_several_inputs_are_integrated_along_one_path():
    """x·y from (0, 0) to (a, b) and from (1, 0): the path is the same α for both."""
    a, b = np.array([[3.0]]), np.array([[5.0]])
    e = explain(lambda a, b: a * b, "integrated_gradients", [a, b])
    np.testing.assert_allclose([part[0, 0] for part in e.attributions], [7.5, 7.5], rtol=1e-13)
    e = explain(lambda a, b: a * b, "integrated_gradients", [a, b], baseline=[np.ones(1), np.zeros(1)])
    np.testing.assert_allclose([part[0, 0] for part in e.attributions], [5.0, 10.0], rtol=1e-13)


def test_features_at_the_baseline_get_nothing():
    x = np.where(_X > 0, _X, _X0)
    e = explain(ref.in_tensorflow(_SMOOTH), "integrated_gradients", x, target=0, baseline=_X0)
    np.testing.assert_array_equal(e.attributions[_X <= 0], 0)


@pytest.mark.parametrize("tolerance", [0.05, 0.005])
def test_tolerance_is_kept_with_as_many_steps_as_each_example_needs(tolerance):
    exact = ref.integrated_gradients(_PIECEWISE, _X, _X0, 2)
    model, settings = ref.in_tensorflow(_PIECEWISE), {"target": 2, "baseline": _X0, "chunk_size": 256}
    e = explain(model, "integrated_gradients", _X, tolerance=tolerance, **settings)
    assert (e.estimated_error <= tolerance).all()
    assert (np.abs(e.completeness_gap) <= tolerance * np.abs(e.outputs - e.baseline_outputs)).all()
    errors = np.linalg.norm(e.attributions - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert (errors <= 2 * tolerance).all()
    assert e.n_steps.shape == (5,)
    assert (e.n_steps >= 9).all() and len(set(e.n_steps)) > 1


def test_smooth_paths_end_at_once():
    e = explain(ref.in_tensorflow(_SMOOTH), "integrated_gradients", _X, target=1, tolerance=1e-6)
    assert (e.n_steps <= 33).all()
    np.testing.assert_allclose(e.attributions, ref.integrated_gradients(_SMOOTH, _X, np.zeros(4), 1), rtol=1e-6)


def test_the_end_of_an_integral_to_a_tolerance_is_the_input_itself():
    e = explain(ref.in_tensorflow(_PIECEWISE), "ig", _X, target=1, baseline=_X0, tolerance=0.1)
    np.testing.assert_allclose(e.outputs, ref.forward(_PIECEWISE, _X)[:, 1], rtol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(_PIECEWISE, _X0[None])[0, 1] * np.ones(5), rtol=1e-12)


def test_max_steps_ends_it_and_the_estimate_says_so():
    model = ref.in_tensorflow(_PIECEWISE)
    e = explain(model, "integrated_gradients", _X, target=2, baseline=_X0, tolerance=1e-9, max_steps=120)
    exact = ref.integrated_gradients(_PIECEWISE, _X, _X0, 2)
    errors = np.linalg.norm(e.attributions - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert (e.n_steps <= 120).all() and e.n_steps.max() == 120
    assert (e.estimated_error > 1e-9).all()
    assert (errors <= 3 * e.estimated_error).all()
    assert explain(model, "integrated_gradients", _X, target=2, baseline=_X0, n_steps=64).estimated_error is None


def test_the_gap_alone_can_end_it():
    model, settings = ref.in_tensorflow(_PIECEWISE), {"target": 2, "baseline": _X0}
    e = explain(model, "integrated_gradients", _X, gap_tolerance=0.01, **settings)
    assert (np.abs(e.completeness_gap) <= 0.01 * np.abs(e.outputs - e.baseline_outputs)).all()
    assert (e.n_steps <= explain(model, "integrated_gradients", _X, tolerance=0.01, **settings).n_steps).all()


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance": 0},
        {"tolerance": 1.0},
        {"tolerance": "0.1"},
        {"tolerance": 0.1, "n_steps": 10},
        {"max_steps": 100},
        {"tolerance": 0.1, "max_steps": 8},
        {"gap_tolerance": 1.0},
        {"gap_tolerance": 0.1, "n_steps": 10},
        {"tolerance": 0.1, "background": np.zeros((2, 4))},
    ],
    ids=str,
)
def test_a_tolerance_and_steps_exclude_each_other(options):
    with pytest.raises(DeepExplainError, match=next(reversed(options))):
        explain(tf.tanh, "integrated_gradients", _X, target=0, **options)


@pytest.mark.parametrize("n_steps", [0, -1, 100_001, 1.5, "64", True])
def test_n_steps_is_a_whole_number_in_range(n_steps):
    with pytest.raises(DeepExplainError, match="n_steps must be a whole number in 1 … 100000"):
        explain(tf.tanh, "integrated_gradients", _X, target=0, n_steps=n_steps)


def test_unknown_quadratures_list_the_known_ones():
    with pytest.raises(DeepExplainError, match=r"gauss_legendre.*midpoint.*right.*Got 'simpson'"):
        explain(tf.tanh, "integrated_gradients", _X, target=0, quadrature="simpson")


# --- a background -----------------------------------------------------------------------------------------

(_BACKGROUND,) = ref.numbers(2, (3, 4))


def _mean_over_runs(model, x, background, **arguments):
    """Explains once for each baseline alone."""
    runs = [explain(model, "ig", x, baseline=start, **arguments) for start in background]
    return [np.mean([getattr(e, name) for e in runs], axis=0) for name in ("attributions", "baseline_outputs")]


@pytest.mark.parametrize("settings", in_turn([{"chunk_size": 3, "batch_size": 2}, {}, {"jit_compile": True}], 3))
def test_a_background_is_the_mean_over_its_baselines(settings):
    model, options = ref.in_tensorflow(_PIECEWISE), {"target": [0, 1, 2, 1, 0], "n_steps": 7}
    e = explain(model, "ig", _X, background=_BACKGROUND, **options, **settings)
    attributions, baseline_outputs = _mean_over_runs(model, _X, _BACKGROUND, **options)
    np.testing.assert_allclose(e.attributions, attributions, rtol=0, atol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, baseline_outputs, rtol=1e-12)
    np.testing.assert_allclose(e.outputs, ref.forward(_PIECEWISE, _X)[range(5), options["target"]], rtol=1e-12)
    assert e.n_steps == 7


def test_a_background_is_complete_up_to_its_mean():
    e = explain(ref.in_tensorflow(_SMOOTH), "ig", _X, target=1, background=_BACKGROUND)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    exact = np.mean([ref.integrated_gradients(_SMOOTH, _X, start, 1) for start in _BACKGROUND], axis=0)
    np.testing.assert_allclose(e.attributions, exact, rtol=1e-10, atol=1e-12)


def test_a_background_of_one_is_a_baseline():
    model = ref.in_tensorflow(_PIECEWISE)
    one = explain(model, "ig", _X, target=2, background=_X0[None])
    other = explain(model, "ig", _X, target=2, baseline=_X0)
    np.testing.assert_allclose(one.attributions, other.attributions, rtol=1e-13, atol=1e-15)


def test_baselines_of_several_inputs_belong_together():
    """x·y from (x₀, y₀): each baseline of the one is that of the other's same row."""
    x, y, xs, ys = ref.numbers(3, (2, 1), (2, 1), (4, 1), (4, 1))
    e = explain(lambda x, y: x * y, "ig", [x, y], background=[xs, ys])
    np.testing.assert_allclose(e.attributions[0], np.mean((x - xs[:, None]) * (y + ys[:, None]) / 2, 0), rtol=1e-11)
    np.testing.assert_allclose(e.attributions[1], np.mean((y - ys[:, None]) * (x + xs[:, None]) / 2, 0), rtol=1e-11)


def test_a_background_at_a_layer():
    inputs = keras.Input((4,), dtype="float64")
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden", dtype="float64")(inputs)
    outputs = keras.layers.Dense(2, activation="softplus", dtype="float64")(hidden)
    model = filled(keras.Model(inputs, outputs))
    (background,) = ref.numbers(4, (2, 3))
    options = {"layer": "hidden", "target": 1, "n_steps": 6}
    e = explain(model, "ig", _X, background=background, **options)
    attributions, _ = _mean_over_runs(model, _X, background, **options)
    np.testing.assert_allclose(e.attributions, attributions, rtol=0, atol=1e-12)


def test_a_background_inside_a_tf_function():
    model, options = ref.in_tensorflow(_SMOOTH), {"target": 0, "background": _BACKGROUND, "n_steps": 5}
    with DeepExplain(model) as de:
        attribute = de.explainer("ig", **options)
        expected = attribute(_X).attributions
        found = tf.function(lambda x: attribute(x).attributions)(tf.constant(_X))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_a_background_and_a_baseline_exclude_each_other():
    with pytest.raises(DeepExplainError, match=r"baseline.*background"):
        explain(tf.tanh, "ig", _X, target=0, background=_BACKGROUND, baseline=0.0)


# --- gradients that are not finite ------------------------------------------------------------------------


def _rooted(x):
    """Its gradient is infinite where an input is 0, which the path from 0 does not leave."""
    return tf.reduce_sum(tf.sqrt(tf.abs(tf.matmul(x, tf.constant(np.eye(4) * 2.0)))), 1)


@pytest.mark.parametrize(
    "settings",
    [{}, {"jit_compile": True, "chunk_size": 7}]
    + [pytest.param(one, marks=pytest.mark.long) for one in ({"chunk_size": 7}, {"jit_compile": True})],  # between them
    ids=str,
)
@pytest.mark.parametrize("method", in_turn(["integrated_gradients", "expected_gradients"]))
def test_an_example_whose_gradient_is_not_finite_leaves_the_others_alone(method, settings):
    x = np.abs(_X) + 0.1
    x[-1, 2] = 0  # the last one, which padding repeats
    x[1, 0] = 0
    start = {"background": np.zeros((1, 4)), "seed": 0} if method == "expected_gradients" else {}
    options = {"n_samples": 12, **start} if start else {"n_steps": 12}
    e = explain(_rooted, method, x, **options, **settings)
    alone = explain(_rooted, method, x[[0, 2, 3]], **options)
    assert not np.isfinite(e.attributions[1, 0]) and not np.isfinite(e.attributions[-1, 2])
    np.testing.assert_allclose(e.attributions[[0, 2, 3]], alone.attributions, rtol=1e-12)
    assert np.isfinite(alone.attributions).all()


@pytest.mark.parametrize("options", [{"tolerance": 0.1}, {"gap_tolerance": 0.1}, {"tolerance": 0.1, "max_steps": 64}])
@pytest.mark.parametrize("batch", [None, 2])
def test_a_tolerance_inside_a_graph_is_refused_whether_the_batch_is_open_or_not(batch, options):
    with DeepExplain(ref.in_tensorflow(_SMOOTH)) as de:
        explainer = de.explainer("integrated_gradients", target=1, **options)
    function = tf.function(lambda x: explainer(x).attributions, autograph=False)
    with pytest.raises(DeepExplainError, match=r"outside of tf\.function"):
        function.get_concrete_function(tf.TensorSpec([batch, *_X.shape[1:]], _X.dtype))
