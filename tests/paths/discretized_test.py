"""Tests of `paths/discretized.py`: Discretized Integrated Gradients."""

import keras
import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import explain, message_of
from tests.models import filled

_TABLE = np.random.default_rng(0).normal(size=(40, 5))
_NEAR = NearestNeighbors(n_neighbors=12).fit(_TABLE).kneighbors(return_distance=False)
_TOKENS = np.array([[3, 17, 0], [9, 3, 39]])


def _published(word, end, n_words, strategy):
    """The algorithm of the authors' code for one word: anchors first, then monotonic points, feature by feature."""

    def monotonic(start, anchor):
        point, count = anchor.copy(), 0
        for feature, value in enumerate(anchor):
            low, high = sorted((start[feature], _TABLE[end][feature]))
            if low <= value <= high:
                count += 1
            else:
                point[feature] = start[feature] - (start[feature] - _TABLE[end][feature]) / n_words
        return point, count

    anchors = [word]
    for _ in range(n_words):
        last, costs = anchors[-1], {}
        for candidate in _NEAR[last]:
            if last != end and candidate != end and candidate not in anchors:
                point, count = monotonic(_TABLE[last], _TABLE[candidate])
                away = np.sqrt(((point - _TABLE[candidate]) ** 2).sum())
                costs[candidate] = away if strategy == "greedy" else -count
        anchors.append(min(costs, key=costs.get) if costs else end)
    points = [_TABLE[word]]
    for anchor in anchors[1:]:
        points.append(monotonic(points[-1], _TABLE[anchor])[0])
    return np.array([_TABLE[end], *points[::-1]])


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
@pytest.mark.parametrize("baseline", [0, [1, 3, 39], [[4, 3, 2], [9, 5, 3]]], ids=["one", "each_place", "each_word"])
def test_it_is_the_published_algorithm(baseline, strategy):
    found = dx.paths.discretized(_TOKENS, baseline, _TABLE, _NEAR, n_words=7, strategy=strategy)
    assert found.shape == (2, 9, 3, 5) and found.dtype == np.float64
    ends = np.broadcast_to(baseline, (2, 3))
    for row, place in np.ndindex(2, 3):
        expected = _published(_TOKENS[row, place], ends[row, place], 7, strategy)
        np.testing.assert_allclose(found[row, :, place], expected, rtol=0, atol=1e-14)


def test_paths_lead_from_baseline_to_words_in_order_and_near_words():
    found = dx.paths.discretized(_TOKENS, 5, _TABLE, _NEAR, n_words=6)
    np.testing.assert_array_equal(found[:, 0], np.broadcast_to(_TABLE[5], (2, 3, 5)))
    np.testing.assert_array_equal(found[:, -1], _TABLE[_TOKENS])
    steps = np.diff(found, axis=1)
    assert (steps * (found[:, -1:] - found[:, :1]) >= 0).all()
    straight = dx.paths.discretized(_TOKENS, 5, _TABLE, np.empty((40, 0), int), n_words=6)  # no neighbours
    near = lambda points: np.linalg.norm(points[..., None, :] - _TABLE, axis=-1).min(-1)[:, 1:-1].mean()  # noqa: E731
    assert near(found) < near(np.linspace(found[:, 0], found[:, -1], 8, axis=1))
    np.testing.assert_array_equal(straight[:, 1:-1], np.broadcast_to(_TABLE[5], (2, 6, 3, 5)))


def test_a_word_that_is_its_baseline_stays_where_it_is():
    found = dx.paths.discretized([[7, 2]], [7, 0], _TABLE, _NEAR, n_words=3)
    np.testing.assert_array_equal(found[0, :, 0], np.broadcast_to(_TABLE[7], (5, 5)))


@pytest.fixture(scope="module")
def text():
    layers = [keras.layers.Embedding(40, 5, name="embedding"), keras.layers.Conv1D(4, 2, activation="tanh")]
    rest = [keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,), dtype="int32"), *layers, *rest])
    filled(model)
    model.get_layer("embedding").set_weights([_TABLE])
    return model


def test_integrated_gradients_along_it_are_the_sum_of_the_paper_and_complete_otherwise(text):
    table = np.asarray(text.get_layer("embedding").embeddings)
    points = dx.paths.discretized(_TOKENS, 0, table, _NEAR, n_words=10)
    settings = {"layer": "embedding", "target": 1, "path": points}
    e = explain(text, "ig", _TOKENS, quadrature="left", n_steps=11, **settings)
    rest = keras.Model(text.layers[1].input, text.layers[-1].output)
    expected = np.zeros((2, 3, 5))
    for place in range(11):
        point = tf.constant(points[:, place])
        with tf.GradientTape() as tape:
            tape.watch(point)
            value = tf.reduce_sum(rest(point)[:, 1])
        expected += np.asarray(tape.gradient(value, point)) * (points[:, place + 1] - points[:, place])
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(explain(text, "ig", _TOKENS, n_steps=64, **settings).completeness_gap, 0, atol=1e-5)
    np.testing.assert_allclose(explain(text, "idgi", _TOKENS, **settings).completeness_gap, 0, atol=1e-5)
    message_of(lambda: explain(text, "ig", _TOKENS, **settings | {"path": 2 * points}), OptionError, "end at x")


_RIGHT = {"tokens": _TOKENS, "baseline": 0, "table": _TABLE, "neighbours": _NEAR}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("tokens", value) for value in (_TOKENS[0], [[40]], [[-1]], [[0.5]], [[1], [2, 3]], "a", None)),
        *(("baseline", value) for value in (40, -1, 0.5, [1, 2], [[1, 2, 3]], None, True)),
        *(("table", value) for value in (_TABLE[0], _TABLE[:0], np.full((40, 5), np.nan), _NEAR, None)),
        *(("neighbours", value) for value in (_NEAR[:3], _NEAR[0], _NEAR + 1, _NEAR * 1.0, None)),
    ],
    ids=lambda value: str(np.shape(value)) if isinstance(value, np.ndarray) else str(value),
)
def test_arrays_that_do_not_fit(name, value):
    message_of(lambda: dx.paths.discretized(**_RIGHT | {name: value}), InputError, f"{name} must ")


@pytest.mark.parametrize(
    ("name", "value"), [("n_words", 0), ("n_words", 2.0), ("n_words", 10_001), ("strategy", "best"), ("strategy", None)]
)
def test_options_out_of_range(name, value):
    message_of(lambda: dx.paths.discretized(**_RIGHT, **{name: value}), OptionError, f"{name} must be")
