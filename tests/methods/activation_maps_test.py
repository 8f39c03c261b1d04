"""Tests of `methods/activation_maps.py`: the layer that maps look into, and maps over what is explained."""

import functools
import pathlib
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, OptionError, UnknownNameError
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.make import make
from tests.checks import MAPS, explain, in_turn, message_of
from tests.methods.maps import upsampled
from tests.models import filled, floats

L = keras.layers
RNG = np.random.default_rng(0)
each_map = pytest.mark.parametrize("method", in_turn(MAPS, 3))


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


X = numbers(4, 7, 6, 2)
KERNEL, LAST, BIAS = numbers(3, 3, 2, 3), numbers(3, 3), numbers(3)
SIGNATURE = [tf.TensorSpec([None, 7, 6, 2], tf.float64)]


def smooth(x: tf.Tensor) -> tf.Tensor:
    """Two convolutions without scopes, in float64."""
    hidden = tf.nn.softplus(tf.nn.conv2d(x, KERNEL, 2, "SAME") + BIAS)
    return tf.reduce_mean(tf.tanh(hidden @ LAST) ** 3, [1, 2])


def in_float64(inputs: Any, outputs: Any) -> keras.Model:
    return filled(keras.Model(inputs, outputs))


# --- which layer -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared() -> keras.Model:
    """A nested model that is called twice, one call behind the other."""
    with floats("float64"):
        conv = L.Conv1D(2, 3, padding="same", activation="tanh", name="conv")
        inner = keras.Sequential([keras.Input((6, 2)), conv], name="inner")
        inputs = keras.Input((6, 2))
        return in_float64(inputs, L.Dense(2, name="out")(L.Flatten()(inner(inner(inputs)))))


@pytest.mark.parametrize("call", [0, 1])
@pytest.mark.parametrize("name", ["conv", "inner"])
def test_one_call_of_a_shared_layer_in_a_nested_model(shared: keras.Model, name: str, call: int):
    inner, out = shared.get_layer("inner"), shared.get_layer("out")
    x = numbers(3, 6, 2)
    activations = inner(inner(x)) if call else inner(x)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        logit = out(tf.reshape(activations if call else inner(activations), [3, 12]))[:, 1]
    expected = np.maximum((activations * tape.gradient(logit, activations)).numpy().sum(-1), 0)
    found = explain(shared, "hires_cam", x, target=1, at=f"{name}:{call}", upsample=False).attributions
    np.testing.assert_allclose(found[..., 0], expected, rtol=0, atol=1e-12)


def test_a_call_must_be_picked(shared: keras.Model):
    call = functools.partial(explain, shared, "grad_cam", numbers(3, 6, 2), target=1)
    message_of(lambda: call(at="conv"), UnknownNameError, "2 times", "':0'")
    message_of(lambda: call(at="conv:2"), UnknownNameError, "2 times")


def test_a_file_has_scopes_instead_of_layers(tmp_path: pathlib.Path):
    with floats("float64"):
        inputs = keras.Input((6, 2))
        hidden = L.ReLU()(L.Conv1D(3, 2, activation="tanh", name="conv")(inputs))
        model = in_float64(inputs, L.Dense(2)(L.Flatten()(hidden)))
    model.export(tmp_path / "saved", verbose=False)
    x = numbers(3, 6, 2)
    expected = explain(model, "grad_cam", x, target=1, at="conv").attributions
    with dx.DeepExplain(str(tmp_path / "saved")) as de:
        message = message_of(lambda: de.explain("grad_cam", x, target=1, at="conv"), UnknownNameError, "closest")
        scope = re.search(r"'(\S*/conv\w*)'", message)[1]  # TensorFlow adds numbers to the names
        for at in (scope, scope.rpartition("/")[2], None):
            found = de.explain("grad_cam", x, target=1, at=at).attributions
            np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_gradient_goes_no_further_than_the_layer():
    with dx.DeepExplain(smooth, input_signature=SIGNATURE) as de:
        explainers = [de.explainer(method, target=1) for method in ("grad_cam", "saliency")]
    back = []
    for explainer in explainers:
        inside = tf.function(lambda x, explainer=explainer: explainer(x).attributions)
        text = str(inside.get_concrete_function(*SIGNATURE).graph.as_graph_def())
        back.append("Conv2DBackpropInput" in text)
    assert back == [False, True]


def test_coverage_shows_the_ops_behind_the_layer():
    with dx.DeepExplain(smooth, input_signature=SIGNATURE) as de:
        types = {method: [op.type for op, _ in de.coverage(method)] for method in ("grad_cam", "guided_grad_cam")}
    assert "Conv2D" not in types["grad_cam"] and "Tanh" in types["grad_cam"]
    assert "Conv2D" in types["guided_grad_cam"]


def _no_gradient_before(x: tf.Tensor) -> tf.Tensor:
    return smooth(tf.raw_ops.PreventGradient(input=x))


def test_what_lies_before_the_layer_needs_no_gradient():
    expected = explain(smooth, "grad_cam", X, target=1).attributions
    np.testing.assert_allclose(explain(_no_gradient_before, "grad_cam", X, target=1).attributions, expected)
    message_of(lambda: explain(_no_gradient_before, "guided_grad_cam", X, target=1), DeepExplainError, "forward only")


# --- over what is explained --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several() -> keras.Model:
    """Two pictures and a vector before the convolution, and a picture beside it."""
    with floats("float64"):
        a, b = keras.Input((6, 5, 2), name="a"), keras.Input((6, 5), name="b")
        c, d = keras.Input((4,), name="c"), keras.Input((6, 5, 1), name="d")
        joined = L.Concatenate()([a, L.Reshape((6, 5, 1))(b)])
        hidden = L.Conv2D(3, 2, name="conv")(joined) + L.Reshape((1, 1, 3))(L.Dense(3)(c))
        hidden = L.Concatenate()([L.Flatten()(L.Conv2D(3, 2, activation="tanh", name="late")(hidden)), L.Flatten()(d)])
        return in_float64([a, b, c, d], L.Dense(2)(hidden))


@each_map
def test_each_explained_tensor_with_the_positions_gets_the_map(several: keras.Model, method: str):
    x = [numbers(2, *tensor.shape[1:]) for tensor in several.inputs]
    e = explain(several, method, x, target=1)
    picture, plane, vector, beside = e.attributions
    assert [array.shape for array in e.attributions] == [array.shape for array in x]
    assert np.abs(picture).max() > 0 and np.abs(plane).max() > 0
    np.testing.assert_array_equal(vector, 0)
    np.testing.assert_array_equal(beside, 0)
    if method != "guided_grad_cam":
        np.testing.assert_array_equal(picture, np.repeat(plane[..., np.newaxis], 2, -1))
        maps = explain(several, method, x, target=1, upsample=False).attributions
        assert [array.shape for array in maps] == [(2, 4, 3, 1), (2, 4, 3, 1), (2, 4), (2, 6, 5, 1)]
        np.testing.assert_allclose(plane, upsampled(maps[1][..., 0], (6, 5)), rtol=0, atol=1e-12)


def test_score_cam_masks_all_pictures_at_once_and_leaves_the_others(several: keras.Model):
    x = [numbers(1, *tensor.shape[1:]) for tensor in several.inputs]
    maps = np.asarray(keras.Model(several.inputs, several.get_layer("late").output)(x))
    scores = []
    for channel in np.moveaxis(maps, -1, 0):
        over = upsampled(channel, (6, 5))
        mask = (over - over.min()) / (over.max() - over.min())
        scores.append(np.exp(several([x[0] * mask[..., np.newaxis], x[1] * mask, x[2], x[3]])[0, 1]))
    expected = np.maximum(maps @ scores / np.sum(scores), 0)
    e = explain(several, "score_cam", x, target=1, upsample=False)
    np.testing.assert_allclose(e.attributions[0][..., 0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", in_turn(["guided_grad_cam", "grad_cam", "score_cam"], 3))
def test_channels_may_come_first(method: str):
    """The same network in both orders; a layer behind the convolution has the order of the convolution."""
    found, x = {}, X.astype(np.float32)
    for order in ("channels_last", "channels_first"):
        inputs = keras.Input((7, 6, 2) if order == "channels_last" else (2, 7, 6))
        hidden = L.Conv2D(3, 3, activation="tanh", data_format=order)(inputs)
        hidden = L.Activation("softplus", name="late")(hidden)
        model = filled(keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling2D(data_format=order)(hidden))))
        for at in (None, "late"):
            given = x if order == "channels_last" else np.moveaxis(x, -1, 1)
            array = explain(model, method, given, target=1, at=at).attributions
            found[order, at] = array if order == "channels_last" else np.moveaxis(array, 1, -1)
    for at in (None, "late"):
        expected = found["channels_last", at]
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(found["channels_first", at], expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_text_is_explained_at_its_embedding():
    tokens = keras.Input((7,), dtype="int32")
    hidden = L.Conv1D(3, 3, activation="relu")(L.Embedding(9, 4, name="embedding")(tokens))
    model = filled(keras.Model(tokens, L.Dense(2)(L.GlobalMaxPooling1D()(hidden))))
    ids = RNG.integers(0, 9, (3, 7))
    found = explain(model, "layer_cam", ids, target=0, layer="embedding").attributions
    maps = explain(model, "layer_cam", ids, target=0, layer="embedding", upsample=False).attributions
    assert found.shape == (3, 7, 4) and maps.shape == (3, 5, 1)
    np.testing.assert_allclose(found, np.repeat(upsampled(maps, (7,)), 4, -1), rtol=0, atol=1e-6)
    message_of(lambda: explain(model, "layer_cam", ids, target=0), InputError, "int32", "layer=")


def test_the_explained_layer_may_be_the_one_that_is_looked_into(shared: keras.Model):
    x = numbers(2, 6, 2)
    both = explain(shared, "hires_cam", x, target=1, layer="conv:0", at="conv:0", upsample=False).attributions
    np.testing.assert_allclose(
        both, explain(shared, "hires_cam", x, target=1, at="conv:0", upsample=False).attributions
    )


# --- wherever a method runs --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened() -> dx.DeepExplain:
    return dx.DeepExplain(smooth, input_signature=SIGNATURE).__enter__()


def own_class(outputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    return tf.gather(outputs, labels, batch_dims=1)


@each_map
def test_targets_units_and_repeated_calls(opened: dx.DeepExplain, method: str):
    explainer, labels = opened.explainer(method), np.array([0, 2, 1, 1])
    expected = explainer(X, target=labels).attributions
    every = explainer(X, target="all").attributions
    traces = explainer.n_traces
    np.testing.assert_allclose(every[range(4), labels], expected, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(explainer(X[:3], target=0).attributions, every[:3, 0], rtol=1e-9, atol=1e-14)
    assert explainer.n_traces == traces
    called = explainer(X, target=(own_class, labels)).attributions
    np.testing.assert_allclose(called, expected, rtol=1e-9, atol=1e-14)


def test_an_export_runs_alone(tmp_path: pathlib.Path):
    with floats("float64"):
        inputs = keras.Input((7, 6, 2), name="x")
        hidden = L.Conv2D(3, 3, activation="relu", name="early")(inputs)
        hidden = L.Conv2D(3, 3, activation="tanh")(hidden)
        model = in_float64(inputs, L.Dense(2)(L.Flatten()(hidden)))
    for method, options in (("grad_cam", {"upsample": False}), ("score_cam", {})):
        with dx.DeepExplain(model) as de:
            explainer = de.explainer(method, target=1, at="early", **options)
            explainer.export(tmp_path / method)
        served = tf.saved_model.load(str(tmp_path / method)).signatures["explain"]
        given = {"baseline": tf.zeros([1, 7, 6, 2], tf.float64)} if method == "score_cam" else {}
        found = served(x=tf.constant(X), **given)["attributions"]
        np.testing.assert_allclose(found, explainer(X).attributions, rtol=1e-10, atol=1e-14)


def test_a_comparison_gives_reasons_for_what_it_leaves_out(opened: dx.DeepExplain):
    methods = {
        "over": ("grad_cam", {}),
        "itself": ("grad_cam", {"upsample": False}),
        "score": ("score_cam", {}),
        "guided": ("guided_grad_cam", {}),
    }
    found = dx.compare(
        smooth, X, input_signature=SIGNATURE, methods=methods, metrics=["infidelity", "deletion"], target=1, seed=0
    )
    assert set(found.scores["deletion"]) == {"over", "score", "guided"}
    assert set(found.scores["infidelity"]) == {"over"}
    assert "upsample=False" in found.reasons["deletion"]["itself"]
    assert "per unit" in found.reasons["infidelity"]["score"]
    dense = dx.compare(lambda x: tf.tanh(x), X[:, 0, 0], methods=["grad_cam", "saliency"], metrics="deletion", target=0)
    assert "convolution" in dense.reasons["deletion"]["grad_cam"]


def test_metrics_share_a_map_among_the_channels(opened: dx.DeepExplain, several: keras.Model):
    attributions = opened.explain("grad_cam", X, target=1).attributions
    layout = Layout(structure=0, shapes=((7, 6, 2),), seed=None)
    (shares,) = make("grad_cam", {}).shares(layout, opened.engine.model().chosen_outputs(), [attributions])
    np.testing.assert_allclose(shares.sum(-1), attributions[..., 0], rtol=1e-12)
    x = [np.ones((2, *tensor.shape[1:])) for tensor in several.inputs]
    with dx.DeepExplain(several) as de:
        found = make("grad_cam", {}).shares(layout, de.engine.model().chosen_outputs(), x)
    assert [float(array.max()) for array in found] == [0.5, 1, 1, 1]  # the second picture has no channels


@pytest.mark.parametrize("dtype", ["float16", pytest.param("bfloat16", marks=pytest.mark.long)])  # alike
@each_map
def test_narrow_dtypes(method: str, dtype: str):
    def model(x: tf.Tensor) -> tf.Tensor:
        kernel = tf.cast(KERNEL, x.dtype)
        return tf.reduce_mean(tf.nn.softplus(tf.nn.conv2d(x, kernel, 2, "SAME")), [1, 2])

    x = X.astype(tf.as_dtype(dtype).as_numpy_dtype)
    found, expected = (explain(model, method, x.astype(kind), target=1).attributions for kind in (x.dtype, np.float64))
    assert found.dtype == x.dtype
    atol = 5e-2 * np.abs(expected).max()
    np.testing.assert_allclose(found.astype(np.float64), expected, rtol=0, atol=atol)


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def branched() -> keras.Model:
    inputs, other = keras.Input((6, 6, 2), name="x"), keras.Input((6, 6, 2), name="other")
    hidden = L.Conv2D(3, 3, name="conv")(inputs)
    aside = L.Conv2D(3, 3, name="aside")(inputs)
    outputs = [L.Dense(2, name="main")(L.Flatten(name="flat")(hidden)), L.Dense(2, name="second")(L.Flatten()(aside))]
    return filled(keras.Model([inputs, other], [*outputs, L.Conv2D(1, 1, name="apart")(other)]))


_REFUSED: dict[str, tuple[Any, type[Exception], tuple[str, ...]]] = {
    "no name": (3, OptionError, ("at", "3")),
    "an empty name": ("", OptionError, ("at", "''")),
    "a typo": ("convs", UnknownNameError, ("unknown layer 'convs'", "'conv'")),
    "no positions": ("flat", OptionError, ("positions", "'flat'", "(None, 48)")),
    "another output's": ("aside", OptionError, ("the target depends", "'aside'")),
}


@pytest.mark.parametrize(("at", "kind", "words"), _REFUSED.values(), ids=_REFUSED)
def test_layers_that_are_refused(branched: keras.Model, at: Any, kind: type[Exception], words: tuple[str, ...]):
    x = [np.ones((1, 6, 6, 2), np.float32)] * 2
    message_of(lambda: explain(branched, "grad_cam", x, output="main", target=0, at=at), kind, *words)


def test_a_layer_must_depend_on_what_is_explained(branched: keras.Model):
    x = [np.ones((1, 6, 6, 2), np.float32)] * 2
    call = functools.partial(explain, branched, "grad_cam", x, output="main", target=0, layer="conv")
    message_of(lambda: call(at="aside"), OptionError, "depends on what is explained", "'aside'")
    message_of(call, ModelError, "needs a convolution", "at=")


def test_an_explained_tensor_must_have_the_positions():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.conv2d(tf.reshape(x, [-1, 3, 4, 2]), KERNEL, 1, "SAME"), [1, 2])

    message_of(lambda: explain(model, "grad_cam", numbers(2, 24), target=0), InputError, "positions", "(None, 24)")


@each_map
def test_rows_that_are_not_those_of_the_examples(method: str):
    """Patches become examples of their own before the convolution."""

    def model(x: tf.Tensor) -> tf.Tensor:
        patches = tf.reshape(x, [-1, 3, 6, 2])
        return tf.reduce_sum(
            tf.reshape(tf.reduce_mean(tf.nn.conv2d(patches, KERNEL, 1, "SAME"), [1, 2]), [-1, 2, 3]), 1
        )

    for count in (1, 2):
        with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 6, 6, 2], tf.float64)]) as de:
            message_of(lambda: de.explain(method, numbers(count, 6, 6, 2), target=0), DeepExplainError)  # noqa: B023
