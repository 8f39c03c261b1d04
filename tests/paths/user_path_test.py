"""Tests of `paths/user_path.py`: Integrated Gradients along a path of the user's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf import DeepExplain
from deepexplain_tf.errors import OptionError
from tests import references as ref
from tests.checks import explain, in_turn, message_of
from tests.models import filled

_X, _X0 = ref.numbers(0, (5, 4), 4)
_SMOOTH = ref.random_network(1, [4, 6, 3], "tanh")
_POWERS = np.array([1.0, 2.0, 3.0, 4.0])


def _straight(alpha, x, baseline):
    return baseline + alpha * (x - baseline)


def _curved(alpha, x, baseline):
    return baseline + alpha ** tf.constant(_POWERS) * (x - baseline)


def _in_two_legs(alpha, x, baseline):
    """First the first two features, then the others; AutoGraph makes the condition one of the graph."""
    first = tf.constant([1.0, 1.0, 0.0, 0.0], tf.float64)
    share = 2 * alpha * first
    if alpha > 0.5:
        share = first + (2 * alpha - 1) * (1 - first)
    return baseline + share * (x - baseline)


def _along_the_curve(x, target, n_steps=64):
    """The quadrature along `_curved`, one gradient after the other."""
    total = np.zeros_like(x)
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    for alpha, weight in zip((1 + nodes) / 2, weights / 2, strict=True):
        point = _X0 + alpha**_POWERS * (x - _X0)
        total += weight * _POWERS * alpha ** (_POWERS - 1) * (x - _X0) * ref.gradient(_SMOOTH, point, target)
    return total


@pytest.fixture(scope="module")
def opened():
    with DeepExplain(ref.in_tensorflow(_SMOOTH), input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        yield de


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))  # tests/conformance compiles
def test_a_curved_path_is_its_integral(jit_compile):
    model = ref.in_tensorflow(_SMOOTH)
    e = explain(model, "ig", _X, target=1, baseline=_X0, path=_curved, jit_compile=jit_compile)
    np.testing.assert_allclose(e.attributions, _along_the_curve(_X, 1), rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    np.testing.assert_allclose(e.outputs, ref.forward(_SMOOTH, _X)[:, 1], rtol=1e-12)
    straight = explain(model, "ig", _X, target=1, baseline=_X0)
    assert np.abs(e.attributions - straight.attributions).max() > 1e-2


def test_the_straight_path_is_the_straight_line_in_any_chunks(opened):
    settings = {"target": [0, 1, 2, 1, 0], "baseline": _X0, "n_steps": 9}
    expected = opened.explain("ig", _X, **settings)
    for sizes in ({}, {"chunk_size": 4, "batch_size": 2}):
        e = opened.explain("ig", _X, path=_straight, **settings, **sizes)
        np.testing.assert_allclose(e.attributions, expected.attributions, rtol=0, atol=1e-14)
        np.testing.assert_allclose(e.baseline_outputs, expected.baseline_outputs, rtol=1e-13)


def test_a_path_of_legs_takes_the_features_in_their_order():
    """Of a·b from (0, 0), whichever comes last gets all."""
    f = lambda x: tf.reduce_sum(x[:, :2], 1) * tf.reduce_sum(x[:, 2:], 1)  # noqa: E731
    e = explain(f, "ig", _X, path=_in_two_legs, n_steps=40)
    np.testing.assert_allclose(e.attributions[:, :2], 0, atol=1e-13)
    np.testing.assert_allclose(e.attributions[:, 2:], _X[:, 2:] * _X[:, :2].sum(1, keepdims=True), rtol=0, atol=1e-12)


def test_a_tolerance_follows_the_path(opened):
    e = opened.explain("ig", _X, target=1, baseline=_X0, path=_curved, tolerance=1e-5)
    np.testing.assert_allclose(e.attributions, _along_the_curve(_X, 1), rtol=0, atol=1e-5)
    assert e.n_steps.shape == (5,) and (e.estimated_error <= 1e-5).all()


def test_without_a_baseline_a_path_begins_where_it_begins(opened):
    e = opened.explain("ig", _X, target=1, path=lambda alpha, x, _: x * (0.5 + alpha / 2))
    half = opened.explain("ig", _X, target=1, baseline=_X / 2)
    np.testing.assert_allclose(e.attributions, half.attributions, rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.baseline_outputs, half.baseline_outputs, rtol=1e-12)


def test_several_inputs_come_in_their_structure():
    a, b = ref.numbers(2, (3, 2), (3, 2, 2))
    seen = []

    def path(alpha, x, baseline):
        seen.append((sorted(x), alpha.shape.rank, x["b"].shape.as_list()))
        return {name: baseline[name] + alpha * (x[name] - baseline[name]) for name in x}

    model = lambda a, b: tf.reduce_sum(a, 1) * tf.reduce_sum(b**2, [1, 2])  # noqa: E731
    signature = [tf.TensorSpec([None, 2], tf.float64, "a"), tf.TensorSpec([None, 2, 2], tf.float64, "b")]
    inputs, baseline = {"b": b, "a": a}, {"a": np.ones(2), "b": 0.5}
    e, straight = (
        explain(model, "ig", inputs, baseline=baseline, input_signature=signature, **options)
        for options in ({"path": path}, {})
    )
    for name in inputs:
        np.testing.assert_allclose(e.attributions[name], straight.attributions[name], rtol=0, atol=1e-12)
    assert set(map(repr, seen)) == {"(['a', 'b'], 0, [2, 2])"}


def test_a_path_sees_one_example_at_a_time(opened):
    """So that a maximum is that of the example, whoever shares its batch."""

    def path(alpha, x, baseline):
        return baseline + alpha ** (1 + tf.reduce_max(tf.abs(x))) * (x - baseline)

    whole = opened.explain("ig", _X, target=0, baseline=_X0, path=path)
    for row in (0, 3):
        alone = opened.explain("ig", _X[[row]], target=0, baseline=_X0, path=path)
        np.testing.assert_allclose(alone.attributions[0], whole.attributions[row], rtol=0, atol=1e-14)


def test_at_a_layer_and_in_float16():
    inputs = keras.Input((4,), dtype="float16")
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden", dtype="float16")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2, activation="softplus", dtype="float16")(hidden)))
    path = lambda alpha, x, baseline: baseline + alpha**2 * (x - baseline)  # noqa: E731
    e = explain(model, "ig", _X.astype(np.float16), layer="hidden", target=1, path=path)
    expected = explain(model, "ig", _X.astype(np.float16), layer="hidden", target=1)
    assert e.attributions.dtype == np.float16
    np.testing.assert_allclose(e.attributions, expected.attributions, rtol=0, atol=5e-3)


def test_inside_a_graph_in_training_and_exported(opened, tmp_path):
    attribute = opened.explainer("ig", target=1, baseline=_X0, path=_curved, n_steps=8)
    expected = attribute(_X)
    n_traces = attribute.n_traces
    attribute(_X[:3], n_steps=5)
    assert attribute.n_traces == n_traces
    inside = tf.function(lambda x: attribute(x).attributions)(tf.constant(_X))
    attribute.export(tmp_path / "explainer")
    x = tf.constant(_X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        of_first = tf.reduce_sum(attribute(x, tensors=True, batch_size=5).attributions[:, 0])
    slope = tape.gradient(of_first, x)
    nudged = attribute(_X + 1e-6 * np.eye(4)[2]).attributions[:, 0]
    np.testing.assert_allclose(inside, expected.attributions, rtol=0, atol=1e-14)
    np.testing.assert_allclose(slope[:, 2], (nudged - expected.attributions[:, 0]) / 1e-6, rtol=0, atol=1e-5)
    loaded = tf.saved_model.load(tmp_path / "explainer").signatures["explain"](tf.constant(_X))
    np.testing.assert_allclose(loaded["attributions"], expected.attributions, rtol=0, atol=1e-14)


def _noisy(alpha, x, baseline):
    return _straight(alpha, x, baseline) + alpha * (1 - alpha) * tf.random.normal([4], dtype=tf.float64)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("straight", ["path must be a function"]),
        (lambda alpha, x, baseline: x + alpha * (baseline - x), ["must end at x"]),
        (lambda alpha, x, baseline: alpha * x, ["must begin at the baseline"]),
        (lambda alpha, x, baseline: [x], ["must return one point", "float64(4,)"]),
        (lambda alpha, x, baseline: {"x": x}, ["must return one point", "['dict']"]),
        (lambda alpha, x, baseline: tf.cast(x, tf.float32), ["must return one point", "float32(4,)"]),
        (lambda alpha, x, baseline: tf.reshape(alpha, [1, 1]) * x, ["must return one point", "(1, 4)"]),
        (lambda alpha, x, baseline: None, ["must return one point", "['NoneType']"]),
        (lambda alpha, x: x, ["must run on alpha", "3 were given"]),
        (lambda alpha, x, baseline: alpha[:, None] * x, ["must run on alpha", "user_path_test.py"]),
        (lambda alpha, x, baseline: tf.stop_gradient(_straight(alpha, x, baseline)), ["differentiable"]),
        (_noisy, ["_noisy", "the same point"]),
    ],
)
def test_what_is_no_path_is_refused(opened, path, words):
    arguments = {"target": 0, "baseline": _X0, "path": path}
    message_of(lambda: opened.explain("ig", _X, **arguments), OptionError, *words)


def test_a_path_and_a_background_exclude_each_other():
    options = {"path": _straight, "background": np.zeros((1, 4))}
    message_of(lambda: explain(tf.tanh, "ig", _X, target=0, **options), OptionError, "background", "path")
