"""Tests of `paths/polylines.py`: paths through points."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf import DeepExplain
from deepexplain_tf.errors import InputError, OptionError
from tests import references as ref
from tests.checks import explain, in_turn, message_of

_X, _X0, _NOISE = ref.numbers(0, (5, 4), (5, 4), (5, 3, 4))
_SMOOTH = ref.random_network(1, [4, 6, 3], "tanh")
_POINTS = np.concatenate([_X0[:, None], _NOISE, _X[:, None]], 1)  # [batch, 5 points, features]


def _published(points, unit, rule):
    """Σ over segments (p′ − p) · Σₖ wₖ ∇F(p + αₖ(p′ − p)), one gradient after the other."""
    total = np.zeros_like(points[:, 0])
    for low, high in itertools.pairwise(np.moveaxis(points, 1, 0)):
        for alpha, weight in zip(*rule, strict=True):
            total += weight * (high - low) * ref.gradient(_SMOOTH, low + alpha * (high - low), unit)
    return total


_LEFT, _RIGHT = ([0.0], [1.0]), ([1.0], [1.0])
_GAUSS = ((1 + np.polynomial.legendre.leggauss(16)[0]) / 2, np.polynomial.legendre.leggauss(16)[1] / 2)
_RULES = [("left", 4, _LEFT), ("right", 4, _RIGHT), ("gauss_legendre", None, _GAUSS), ("gauss_legendre", 61, _GAUSS)]


@pytest.fixture(scope="module")
def opened():
    with DeepExplain(ref.in_tensorflow(_SMOOTH), input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        yield de


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))  # tests/conformance compiles
@pytest.mark.parametrize(("quadrature", "n_steps", "rule"), _RULES, ids=["left", "right", "gauss", "rounded_up"])
def test_each_segment_has_a_quadrature_of_its_own(quadrature, n_steps, rule, jit_compile):
    given = {} if n_steps is None else {"n_steps": n_steps}
    with DeepExplain(ref.in_tensorflow(_SMOOTH), jit_compile=jit_compile) as de:
        e = de.explain("ig", _X, target=1, path=_POINTS, quadrature=quadrature, chunk_size=7, **given)
    np.testing.assert_allclose(e.attributions, _published(_POINTS, 1, rule), rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(_SMOOTH, _X0)[:, 1], rtol=1e-12)
    assert e.n_steps == 4 * len(rule[0])
    if rule is _GAUSS:
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_of_two_points_it_is_the_straight_line(opened):
    found = opened.explain("ig", _X, target=[0, 1, 2, 0, 1], path=_POINTS[:, [0, -1]], n_steps=9)
    straight = opened.explain("ig", _X, target=[0, 1, 2, 0, 1], baseline=_X0, n_steps=9)
    for name in ("attributions", "baseline_outputs", "outputs"):
        np.testing.assert_allclose(getattr(found, name), getattr(straight, name), rtol=0, atol=1e-14)


def test_idgi_follows_the_same_path(opened):
    e = opened.explain("idgi", _X, target=2, path=_POINTS, n_steps=8, chunk_size=7)
    middle = (_POINTS[:, 1:] + _POINTS[:, :-1]) / 2
    visited = np.stack([_POINTS[:, :-1], middle], 2).reshape(5, 8, 4)
    expected = np.zeros_like(_X)
    for here, there in itertools.pairwise([*np.moveaxis(visited, 1, 0), _X]):
        squares = ref.gradient(_SMOOTH, here, 2) ** 2
        change = ref.forward(_SMOOTH, there)[:, 2] - ref.forward(_SMOOTH, here)[:, 2]
        expected += squares / squares.sum(1, keepdims=True) * change[:, None]
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_sizes_and_units_change_no_number_and_other_points_trace_nothing_anew(opened):
    explainer = opened.explainer("ig", n_steps=12)
    expected = explainer(_X, target=1, path=_POINTS).attributions
    n_traces = explainer.n_traces
    found = explainer(_X, target=1, path=_POINTS, batch_size=2)
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-14)
    explainer(_X, target=1, path=_POINTS[:, 1:])
    assert explainer.n_traces == n_traces
    every = explainer(_X, target="all", path=_POINTS).attributions
    np.testing.assert_allclose(every[:, 1], expected, rtol=0, atol=1e-14)


def test_several_inputs_and_layers():
    words, price = keras.Input((3,), dtype="int32"), keras.Input((1,), name="price")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(7, 2, name="embedding")(words))
    joined = keras.layers.Concatenate()([embedded, price])
    model = keras.Model([words, price], keras.layers.Dense(1)(keras.layers.Dense(4, "tanh")(joined)))
    tokens = [np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1.0], [2.0]], np.float32)]
    table = np.asarray(model.get_layer("embedding").embeddings)
    ends = {"price": tokens[1], "embedding": table[tokens[0]]}
    points = {name: np.stack([0 * end, end], 1) for name, end in ends.items()}
    with DeepExplain(model, layer=["embedding", "price"]) as de:
        found = de.explain("ig", tokens, path=points, n_steps=5).attributions
        expected = de.explain("ig", tokens, n_steps=5).attributions
    for name in points:
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-6)


def test_derivatives_move_the_last_point_with_x():
    """Inside training: of a·b from (0, 0) by way of (a, 0), b gets all; with points that stay, it gets a′·b."""
    f = lambda x: x[:, 0] * x[:, 1]  # noqa: E731
    x = tf.constant([[2.0, 3.0]], tf.float64)
    with DeepExplain(f) as de, tf.GradientTape() as tape:
        tape.watch(x)
        e = de.explain("ig", x, path=np.array([[[0.0, 0.0], [2.0, 0.0], [2.0, 3.0]]]), tensors=True, n_steps=2)
        second = e.attributions[0, 1]
    np.testing.assert_allclose(second, 6)
    np.testing.assert_allclose(tape.gradient(second, x), [[1.5, 2]])  # b·(2 + x₀)/2, by x₀ and b


_WRONG = {
    "a number": (3, OptionError, "path must be a function"),
    "text": ("a", OptionError, "path must be a function"),
    "one point": (_X[:, None], OptionError, "two or more points"),
    "another end": (_POINTS[:, ::-1], OptionError, "end at x"),
    "of one example": (_POINTS[0], OptionError, "end at x"),
    "other features": (_POINTS[..., :3], InputError, "path must be a set"),
    "other examples": (_POINTS[:2], InputError, "path must be a set"),
    "NaN": (np.full_like(_POINTS, np.nan), InputError, "path"),
    "no points": (_POINTS[:, :0], InputError, "path must have one or more points"),
    "a list": (list(_POINTS), InputError, "path"),
}


@pytest.mark.parametrize(("path", "kind", "words"), _WRONG.values(), ids=_WRONG)
def test_points_that_do_not_fit(opened, path, kind, words):
    for method in ("ig", "idgi"):
        message_of(lambda method=method: opened.explain(method, _X, target=1, path=path), kind, words)


@pytest.mark.parametrize("other", [{"baseline": 0.0}, {"tolerance": 0.1}, {"background": _X}], ids=list)
def test_points_exclude_what_has_another_beginning_and_a_tolerance(opened, other):
    message_of(lambda: opened.explain("ig", _X, target=1, path=_POINTS, **other), OptionError, "path", "Got")


def test_masks_that_points_change_are_noted():
    layers = [keras.layers.Masking(), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3, 2)), *layers])
    x = np.ones((2, 3, 2), np.float32)
    notes = explain(model, "ig", x, path=np.stack([0 * x, x], 1), n_steps=4).notes
    assert [note for note in notes if "the path changes the mask" in note]


def test_under_noise_it_is_the_mean_over_paths_to_noisy_examples(opened):
    noise = dx.noise("smoothgrad", stdev=1e-7, n_samples=3)
    for method, n_steps in (("ig", 12), ("idgi", 8)):
        settings = {"target": 1, "path": _POINTS, "n_steps": n_steps, "seed": 0}
        found, exact = (opened.explain(method, _X, **settings, **given) for given in ({"noise": noise}, {}))
        assert 0 < np.abs(found.attributions - exact.attributions).max() < 1e-5
        np.testing.assert_allclose(found.completeness_gap, exact.completeness_gap, rtol=0, atol=1e-6)
