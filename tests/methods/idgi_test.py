"""Tests of `methods/idgi.py`."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf import DeepExplain
from deepexplain_tf.errors import OptionError
from tests import references as ref
from tests.checks import explain, message_of, pairs_in_turn

_X, _X0 = ref.numbers(0, (4, 9), 9)
_SMOOTH = ref.random_network(7, [9, 8, 6, 3], "tanh")
_PIECEWISE = ref.random_network(6, [9, 8, 6, 3], "relu")
_POWERS = np.linspace(1, 3, 9)


def _published(network, unit, path, n_steps):
    """The algorithm of the paper and of its authors' code, for a path (α, x) → point, one gradient after the other."""
    gradient = lambda point: ref.gradient(network, point[None], unit)[0]  # noqa: E731
    value = lambda point: ref.forward(network, point[None])[0, unit]  # noqa: E731
    attributions = np.zeros_like(_X)
    for x, row in zip(_X, attributions, strict=True):
        points = [path(step / n_steps, x) for step in range(n_steps + 1)]
        for here, there in itertools.pairwise(points):
            squares = gradient(here) ** 2
            row += squares / squares.sum() * (value(there) - value(here))
    return attributions


def _straight(alpha, x):
    return _X0 + alpha * (x - _X0)


def _curved(alpha, x, baseline=_X0):
    return baseline + alpha**_POWERS * (x - baseline)


@pytest.mark.parametrize(
    ("network", "jit_compile"),
    pairs_in_turn([(_SMOOTH, False), (_PIECEWISE, True)], 2),
    ids=["smooth", "piecewise_by_xla"],
)
def test_it_is_the_published_algorithm(network, jit_compile):
    with DeepExplain(ref.in_tensorflow(network), jit_compile=jit_compile) as de:
        for n_steps in (1, 2, 25):
            e = de.explain("idgi", _X, target=1, baseline=_X0, n_steps=n_steps)
            expected = _published(network, 1, _straight, n_steps)
            np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
            np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
            np.testing.assert_allclose(e.outputs, ref.forward(network, _X)[:, 1], rtol=1e-12)
            assert e.n_steps == n_steps


def test_along_a_path_of_the_users():
    with DeepExplain(ref.in_tensorflow(_SMOOTH)) as de:
        e = de.explain("idgi", _X, target=2, baseline=_X0, path=_curved, n_steps=11, chunk_size=3)
        straight = de.explain("idgi", _X, target=2, baseline=_X0, n_steps=11)
        message_of(lambda: de.explain("idgi", _X, target=2, path=lambda a, x, x0: a * x + a), OptionError, "end at x")
    np.testing.assert_allclose(e.attributions, _published(_SMOOTH, 2, _curved, 11), rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
    assert np.abs(e.attributions - straight.attributions).max() > 1e-3


def test_of_a_linear_model_features_count_by_their_squared_weights_alone():
    weights = np.arange(9.0)
    e = explain(lambda x: tf.linalg.matvec(x, weights) + 2, "idgi", _X, n_steps=3)
    expected = weights**2 / (weights**2).sum() * (_X @ weights)[:, None]
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-13)


def test_several_inputs_share_the_change_of_each_step():
    model = ref.in_tensorflow(_SMOOTH)
    joined = lambda a, b: model(tf.concat([a, tf.reshape(b, [-1, 4])], 1))  # noqa: E731
    e = explain(joined, "idgi", [_X[:, :5], _X[:, 5:].reshape(4, 2, 2)], target=1, n_steps=7)
    whole = explain(model, "idgi", _X, target=1, n_steps=7).attributions
    np.testing.assert_allclose(e.attributions[0], whole[:, :5], rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.attributions[1].reshape(4, 4), whole[:, 5:], rtol=0, atol=1e-13)


def test_a_step_without_a_direction_adds_nothing_and_the_gap_shows_it():
    """The first of four steps leads from a flat part, at 0, to 1/2; the others add up to the rest."""
    x = np.array([[2.0, 2.0], [2.0, 4.0]])
    e = explain(lambda x: tf.reduce_sum(tf.nn.relu(x - 0.25) ** 2, 1), "idgi", x, n_steps=4)
    np.testing.assert_allclose(e.completeness_gap, [-2 * 0.25**2, -(0.25**2) - 0.75**2], rtol=1e-12)
    np.testing.assert_allclose(e.attributions[0], (1.75**2 - 0.25**2), rtol=1e-12)
    flat = explain(lambda x: tf.reduce_sum(0 * x, 1) + 3, "idgi", x)
    np.testing.assert_array_equal(flat.attributions, 0)
    np.testing.assert_array_equal(flat.completeness_gap, 0)


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_squares_of_gradients_of_any_size_are_numbers(scale):
    """In float32 a square of either would be 0, or infinite."""
    x = np.array([[1.0, 2.0]], np.float32)
    e = explain(lambda x: (x[:, 0] + 2 * x[:, 1]) * scale, "idgi", x, n_steps=4)
    np.testing.assert_allclose(e.attributions / np.float32(scale), [[1, 4]], rtol=1e-5)


def test_a_gradient_that_is_not_finite_gives_no_number_and_leaves_the_others_alone():
    rooted = lambda x: tf.reduce_sum(tf.sqrt(x), 1)  # noqa: E731
    x, start = np.abs(_X), np.full_like(_X, 0.05)
    start[1, 3] = 0
    e = explain(rooted, "idgi", x, baseline=start, n_steps=5)
    assert np.isnan(e.attributions[1]).all() and np.isfinite(e.attributions[[0, 2, 3]]).all()


def test_another_number_of_steps_compiles_nothing_anew():
    with DeepExplain(ref.in_tensorflow(_SMOOTH), jit_compile=True) as de:
        attribute = de.explainer("idgi", target=0)
        attribute(_X, n_steps=5)
        n_traces = attribute.n_traces
        attribute(_X, n_steps=9, baseline=_X0)
    assert attribute.n_traces == n_traces


@pytest.mark.parametrize(
    ("option", "value"), [*(("n_steps", value) for value in (0, 2.0, 100_001)), ("path", 3), ("path", "a")], ids=str
)
def test_options_have_their_ranges(option, value):
    message_of(lambda: explain(tf.tanh, "idgi", _X, target=0, **{option: value}), OptionError, f"{option} must be")
