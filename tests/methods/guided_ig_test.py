"""Tests of `methods/guided_ig.py` and `paths/guided.py`."""

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


def _published(gradient, x, x0, *, n_steps, fraction=0.25, max_dist=0.02):
    """The algorithm of the paper and of its authors' code, for one example `[features]`, loop within loop."""
    change, place, attributions = x - x0, x0.copy(), np.zeros_like(x)
    distance = np.abs(change).sum()
    for number in range(n_steps):
        of_step = gradient(place)
        left, alpha, gamma = of_step.copy(), (number + 1) / n_steps, np.inf
        low, high = max(alpha - max_dist, 0), min(alpha + max_dist, 1)
        lowest, highest, goal = x0 + change * low, x0 + change * high, distance * (1 - alpha)
        while gamma > 1:
            before = place.copy()
            with np.errstate(all="ignore"):
                progress = np.where(change != 0, (place - x0) / change, high)
            place[progress < low] = lowest[progress < low]
            now = np.abs(place - x).sum()
            if np.isclose(now, goal, rtol=1e-9, atol=1e-9):
                attributions += (place - before) * of_step
                break
            left[place == highest] = np.inf
            threshold = np.quantile(np.abs(left), fraction, method="lower")
            chosen = (np.abs(left) <= threshold) & (left != np.inf)
            room = np.abs(place - highest)[chosen].sum()
            gamma = (now - goal) / room if room > 0 else np.inf
            place[chosen] = highest[chosen] if gamma > 1 else (place + (highest - place) * gamma)[chosen]
            attributions += (place - before) * of_step
    return attributions


_OPTIONS = [
    {"n_steps": 40},
    {"n_steps": 30, "fraction": 0.5, "max_dist": 0.3},
    {"n_steps": 20, "fraction": 0.01, "max_dist": 1.0},
    {"n_steps": 7, "fraction": 1.0, "max_dist": 0.1},
    {"n_steps": 1},
]


@pytest.mark.parametrize(
    ("network", "jit_compile"),
    pairs_in_turn([(_SMOOTH, False), (_PIECEWISE, True)], 2),
    ids=["smooth", "piecewise_by_xla"],
)
def test_it_is_the_published_algorithm(network, jit_compile):
    with DeepExplain(ref.in_tensorflow(network), jit_compile=jit_compile) as de:
        for options in _OPTIONS:
            e = de.explain("guided_ig", _X, target=1, baseline=_X0, **options)
            gradient = lambda point: ref.gradient(network, point[None], 1)[0]  # noqa: E731
            expected = np.stack([_published(gradient, x, _X0, **options) for x in _X])
            np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12)
            assert e.n_steps == options["n_steps"]


def test_features_that_tie_move_together_and_those_at_the_baseline_stay():
    """With few weights of two sizes, most gradients are equal to others; a third of the features have none."""
    weights = np.array([0.0, 0, 0, 0.5, 0.5, 0.5, 1, 1, 1])
    x = np.where(np.arange(9) % 4 == 1, 0, _X)
    f = lambda x: tf.reduce_sum(x * weights, 1) ** 2  # noqa: E731
    gradient = lambda point: 2 * (point * weights).sum() * weights  # noqa: E731
    with DeepExplain(f) as de:
        found = [de.explain("guided_ig", x, **options).attributions for options in _OPTIONS]
    for options, attributions in zip(_OPTIONS, found, strict=True):
        expected = np.stack([_published(gradient, row, np.zeros(9), **options) for row in x])
        np.testing.assert_allclose(attributions, expected, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(attributions[:, 1::4], 0)


def test_without_a_distance_it_is_integrated_gradients():
    model, settings = ref.in_tensorflow(_PIECEWISE), {"target": 2, "baseline": _X0, "n_steps": 25}
    e = explain(model, "guided_ig", _X, max_dist=0, **settings)
    straight = explain(model, "integrated_gradients", _X, quadrature="left", **settings)
    np.testing.assert_allclose(e.attributions, straight.attributions, rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.outputs, straight.outputs, rtol=1e-13)
    np.testing.assert_allclose(e.baseline_outputs, straight.baseline_outputs, rtol=1e-13)


def test_it_is_complete_with_enough_steps():
    with DeepExplain(ref.in_tensorflow(_SMOOTH)) as de:
        found = [de.explain("guided_ig", _X, target=0, n_steps=n_steps) for n_steps in (50, 800)]
    gaps = [np.abs(e.completeness_gap).max() for e in found]
    assert gaps[1] < 1e-3 and gaps[1] < gaps[0] / 8


def test_several_inputs_share_one_path():
    model = ref.in_tensorflow(_SMOOTH)
    joined = lambda a, b: model(tf.concat([a, tf.reshape(b, [-1, 4])], 1))  # noqa: E731
    parts = [_X[:, :5], _X[:, 5:].reshape(4, 2, 2)]
    e = explain(joined, "guided_ig", parts, target=1, n_steps=15)
    whole = explain(model, "guided_ig", _X, target=1, n_steps=15).attributions
    np.testing.assert_allclose(e.attributions[0], whole[:, :5], rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.attributions[1].reshape(4, 4), whole[:, 5:], rtol=0, atol=1e-13)


def test_an_example_whose_gradient_is_not_finite_leaves_the_others_alone():
    rooted = lambda x: tf.reduce_sum(tf.sqrt(tf.abs(x)), 1)  # noqa: E731
    start = np.full_like(_X, 0.05)
    start[1, 3] = 0
    found, alone = (
        explain(rooted, "guided_ig", _X[rows], baseline=start[rows], n_steps=10).attributions
        for rows in ([0, 1, 2, 3], [0, 2, 3])
    )
    np.testing.assert_allclose(found[[0, 2, 3]], alone, rtol=1e-12)
    assert np.isfinite(alone).all() and not np.isfinite(found[1, 3])


def test_options_that_are_data_compile_nothing_anew():
    with DeepExplain(ref.in_tensorflow(_SMOOTH)) as de:
        attribute = de.explainer("guided_ig", target=0)
        attribute(_X, n_steps=5)
        n_traces = attribute.n_traces
        attribute(_X, n_steps=9, fraction=0.4, max_dist=0.1, baseline=_X0)
    assert attribute.n_traces == n_traces


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("n_steps", value) for value in (0, 2.0, 100_001)),
        *(("fraction", value) for value in (0, 1.1, "a")),
        *(("max_dist", value) for value in (-0.1, 2, np.nan, True)),
    ],
)
def test_options_have_their_ranges(option, value):
    message_of(lambda: explain(tf.tanh, "guided_ig", _X, target=0, **{option: value}), OptionError, f"{option} must be")
