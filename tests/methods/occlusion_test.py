"""Tests of `methods/occlusion.py`."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError
from tests import references as ref
from tests.checks import EVALUATING, explain, message_of, pairs_in_turn

_LAYERS = ref.random_network(1, [7, 6, 2], "tanh")
_X, _X0 = ref.numbers(2, (3, 7), 7)
_IMAGES, _IMAGE0, _WEIGHTS = ref.numbers(3, (2, 4, 5, 2), (4, 5, 2), (40, 6))


def _unit(x):
    return ref.forward(_LAYERS, x)[:, 1]


def _image_model(x):
    hidden = tf.tanh(tf.reshape(x, [-1, 40]) @ tf.constant(_WEIGHTS) / 4 + 0.1)
    return tf.reduce_sum(hidden, 1) * hidden[:, 0]


def _image_reference(x):
    hidden = np.tanh(x.reshape(-1, 40) @ _WEIGHTS / 4 + 0.1)
    return hidden.sum(1) * hidden[:, 0]


@pytest.fixture(scope="module")
def occlude():
    """Compiled once: windows and baselines are data."""
    with dx.DeepExplain(ref.in_tensorflow(_LAYERS)) as de:
        return de.explainer("occlusion", target=1)


@pytest.fixture(scope="module")
def occlude_pictures():
    with dx.DeepExplain(_image_model) as de:
        return de.explainer("occlusion")


@pytest.mark.parametrize("normalise", ["count", "window", "none"])
@pytest.mark.parametrize(
    ("window", "stride"), pairs_in_turn([(1, 1), (2, 1), (3, 2), (7, 1), (3, 3), (4, 2), (5, 7), (2, 3), (1, 4)], 3)
)
def test_windows_on_a_vector(occlude, window, stride, normalise):
    e = occlude(_X, baseline=_X0, window_shape=(window,), strides=(stride,), normalise=normalise)
    (expected,) = ref.occlusion(_unit, [_X], [_X0], [[window]], [[stride]], normalise)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)
    assert np.isnan(expected).any() == (stride > window)
    np.testing.assert_allclose(e.outputs, _unit(_X), rtol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, _unit(_X0[None])[0] * np.ones(3), rtol=1e-12)
    assert e.completeness_gap is None


@pytest.mark.parametrize("normalise", ["count", "window", "none"])
@pytest.mark.parametrize(
    ("window", "strides"),
    [
        ((1, 1, 1), (1, 1, 1)),
        ((2, 2, 2), (2, 2, 2)),
        ((3, 2, 1), (2, 1, 1)),
        ((1, 2, 2), (2, 3, 1)),
        ((4, 5, 2), (1, 1, 1)),
    ],
    ids=str,
)
def test_windows_on_a_picture(occlude_pictures, window, strides, normalise):
    e = occlude_pictures(_IMAGES, baseline=_IMAGE0, window_shape=window, strides=strides, normalise=normalise)
    (expected,) = ref.occlusion(_image_reference, [_IMAGES], [_IMAGE0], [window], [strides], normalise)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-9, atol=1e-12)


def test_defaults_are_single_features_against_zeros(occlude):
    e = occlude(_X)
    (expected,) = ref.occlusion(_unit, [_X], [np.zeros(7)], [[1]], [[1]], "count")
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)


def test_baselines_in_every_form(occlude):
    (each,) = ref.numbers(4, _X.shape)
    for baseline, start in ((0.5, np.full(7, 0.5)), (each, each)):
        e = occlude(_X, baseline=baseline, window_shape=(2,))
        (expected,) = ref.occlusion(_unit, [_X], [start], [[2]], [[1]], "count")
        np.testing.assert_allclose(e.attributions, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("form", [list, tuple, dict])
def test_several_inputs_are_occluded_one_at_a_time(form):
    vector, images = _X[:2], _IMAGES

    def model(vector, images):
        return ref.in_tensorflow(_LAYERS)(vector)[:, 0] * _image_model(images)

    def reference(vector, images):
        return ref.forward(_LAYERS, vector)[:, 0] * _image_reference(images)

    windows, strides = [(3,), (2, 2, 1)], [(2,), (1, 2, 1)]
    expected = ref.occlusion(reference, [vector, images], [_X0, _IMAGE0], windows, strides, "count")

    def structure(vector, images):
        return {"vector": vector, "images": images} if form is dict else form([vector, images])

    options = {"window_shape": structure(*windows), "strides": structure(*strides)}
    e = explain(model, "occlusion", structure(vector, images), baseline=structure(_X0, _IMAGE0), **options)
    assert type(e.attributions) is form
    found = [e.attributions["vector"], e.attributions["images"]] if form is dict else e.attributions
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunk_size", [None, 1, 5])
def test_groups_are_occluded_at_once_also_across_inputs(chunk_size):
    vector, images = _X[:2], _IMAGES

    def model(vector, images):
        return ref.in_tensorflow(_LAYERS)(vector)[:, 0] * _image_model(images)

    ids = [np.array([5, 5, -2, 0, 0, 0, 8]), np.arange(40).reshape(4, 5, 2) % 3]
    e = explain(model, "occlusion", [vector, images], baseline=[_X0, _IMAGE0], groups=ids, chunk_size=chunk_size)
    for number in (-2, 0, 1, 2, 5, 8):
        x, y = np.where(ids[0] == number, _X0, vector), np.where(ids[1] == number, _IMAGE0, images)
        drop = e.outputs - ref.forward(_LAYERS, x)[:, 0] * _image_reference(y)
        for part, found in zip(ids, e.attributions, strict=True):
            of_group = found[:, part == number]
            np.testing.assert_allclose(of_group, np.repeat(drop[:, None], of_group.shape[1], 1), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chunk_size", [1, 4, 1000])
def test_chunks_change_no_number(chunk_size):
    model = ref.in_tensorflow(_LAYERS)
    options = {"window_shape": (3,), "strides": (2,)}
    whole = explain(model, "occlusion", _X, target=1, **options).attributions
    parts = explain(model, "occlusion", _X, target=1, **options, chunk_size=chunk_size, batch_size=2)
    np.testing.assert_allclose(parts.attributions, whole, rtol=1e-12, atol=1e-15)


def test_whole_numbers_can_be_occluded():
    """Occlusion needs no gradient: tokens of an embedding, here with token 0 as the baseline."""
    (table,) = ref.numbers(4, (10, 3))

    def model(tokens):
        return tf.reduce_sum(tf.tanh(tf.gather(tf.constant(table), tokens)), [1, 2])

    tokens = np.array([[1, 5, 9, 0]], np.int32)
    signature = [tf.TensorSpec([None, 4], tf.int32)]
    e = explain(model, "occlusion", tokens, input_signature=signature)
    expected = np.tanh(table[tokens]).sum(2) - np.tanh(table[0]).sum()
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_shape": (8,)}, "window_shape must fit"),
        ({"window_shape": (0,)}, "window_shape must be 1 whole numbers ≥ 1"),
        ({"window_shape": (2, 2)}, "window_shape must be 1 whole numbers"),
        ({"window_shape": 2}, "window_shape must be 1 whole numbers"),
        ({"window_shape": (1.5,)}, "window_shape must be 1 whole numbers"),
        ({"strides": (0,)}, "strides must be 1 whole numbers ≥ 1"),
        ({"strides": (-1,)}, "strides must be 1 whole numbers ≥ 1"),
        ({"normalise": "mean"}, "normalise must be one of 'count', 'window', 'none'. Got 'mean'"),
    ],
    ids=str,
)
def test_options_out_of_range(options, message):
    with pytest.raises(dx.DeepExplainError, match=message):
        explain(ref.in_tensorflow(_LAYERS), "occlusion", _X, target=1, **options)


@pytest.mark.parametrize("method", EVALUATING)
def test_an_open_length_inside_a_graph_is_refused(method):
    with dx.DeepExplain(lambda x: tf.reduce_sum(x, [1, 2])) as de:
        explainer = de.explainer(method)
        graph = tf.function(explainer, autograph=False, input_signature=[tf.TensorSpec([None, None, 2])])
        message_of(graph.get_concrete_function, InputError, "known lengths", "[None, 2]")


@pytest.mark.parametrize("options", [{}, {"groups": np.array([0, 1, 2])}], ids=["windows", "groups"])
def test_a_drop_that_is_not_finite_is_that_of_its_own_window(options):
    def model(x):
        return tf.math.log(x[:, 0])[:, tf.newaxis] + x[:, 1:2]

    e = explain(model, "occlusion", np.array([[2.0, 3.0, 4.0]], np.float32), **options)
    np.testing.assert_allclose(e.attributions, [[np.nan, 3, 0]], rtol=1e-6)
