"""Unknown names of methods, layers and outputs."""

from typing import Any

import keras
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, ModelError, UnknownNameError, closest
from tests.checks import explain, message_of
from tests.errors.refused import GRADIENT, X, ids, refuses_untraced
from tests.models import filled, mlp, perceptron


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("integrated_gradient", "'integrated_gradients'"),
        ("integrated-gradients", "'integrated_gradients'"),
        ("deep lift", "'deeplift'"),
        ("DeepLIFT", "'deeplift'"),
        ("OCCLUSION", "'occlusion'"),
        ("shapely", "'shapley"),
        ("", "known: '"),
        ("grad-cam", "grad"),
        ("zzzzzzz", "known: '"),
        ("x" * 10_000, "'deeplift'"),
    ],
    ids=["one letter", "dashes", "a space", "capitals", "all capitals", "misspelt", "empty", "other", "far", "long"],
)
def test_an_unknown_method_names_close_ones(name: str, word: str):
    refuses_untraced(UnknownNameError, "unknown method", word, method=name)
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(name), UnknownNameError, word)
        message_of(lambda: de.coverage(name), UnknownNameError, word)
        message_of(lambda: de.rewrite(name), UnknownNameError, word)


@pytest.mark.parametrize("name", [None, 3, ["saliency"], b"saliency", type, tf.constant("saliency")], ids=ids)
def test_a_method_that_is_no_name(name: Any):
    refuses_untraced(TypeError, "method", type(name).__name__, method=name)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("hiden", ("'hiden'", "closest: 'hidden'")),
        ("nothing", ("'features'", "'hidden'", "'probabilities'")),
        ("", ("'hidden'",)),
        (":0", ("'hidden'",)),
        ("hidden:1", ("'hidden:1'", "1")),
        ("hidden:-1", ("'hidden:-1'",)),
        ("hidden:x", ("'hidden:x'",)),
        ("hidden:", ("'hidden:'",)),
        ("hidden:²", ("'hidden:²'",)),
        ("hidden:0:0", ("'hidden'",)),
        ("features", ("'features'",)),
    ],
)
def test_an_unknown_layer(layer: str, words: tuple[str, ...]):
    message_of(lambda: dx.DeepExplain(mlp(), layer=layer).__enter__(), UnknownNameError, "layer", *words)


@pytest.mark.parametrize("layer", [5, True, {"hidden": 0}, b"hidden", keras.layers.Dense(2)], ids=ids)
def test_a_layer_that_is_no_name(layer: Any):
    message_of(lambda: dx.DeepExplain(mlp(), layer=layer), TypeError, "layer", type(layer).__name__)


def test_a_layer_of_a_model_without_layers():
    message_of(
        lambda: explain(perceptron(), GRADIENT, X, layer="hidden"), UnknownNameError, "layer", "'hidden'", "Keras"
    )


def test_a_layer_called_twice_must_be_picked():
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    model = filled(keras.Model(inputs, shared(shared(inputs))))
    for layer in ("shared", "shared:2"):
        enter = dx.DeepExplain(model, layer=layer).__enter__
        message_of(enter, UnknownNameError, repr(layer), "2 times", ":0", ":1")


def test_two_layers_of_one_name_are_ambiguous():
    inner_input, inputs = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(inner_input, keras.layers.Dense(4, name="same")(inner_input))
    model = filled(keras.Model(inputs, keras.layers.Dense(2, name="same")(inner(inputs))))
    message_of(lambda: dx.DeepExplain(model, layer="same").__enter__(), UnknownNameError, "'same'", "2")


def test_a_layer_with_several_outputs():
    inputs = keras.Input((3, 4))
    sequence, state = keras.layers.SimpleRNN(4, return_state=True, return_sequences=True, unroll=True, name="rnn")(
        inputs
    )
    model = filled(keras.Model(inputs, sequence[:, 0] * state))
    message_of(lambda: dx.DeepExplain(model, layer="rnn").__enter__(), ModelError, "'rnn'", "one output")


def test_a_layer_of_whole_numbers():
    inputs = keras.Input((4,))
    rounded = keras.layers.Lambda(lambda v: tf.cast(v * 5, tf.int32), name="rounded")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(keras.ops.cast(rounded, "float32"))))
    with dx.DeepExplain(model, layer="rounded") as de:
        message_of(lambda: de.explain(GRADIENT, X, target=0), DeepExplainError, "int32")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("secnd", ("'secnd'", "closest: 'second'")),
        ("zzz", ("'zzz'", "'first'", "'second'", "'auto'", "'model'")),
        ("", ("'first'", "'second'")),
        (2, ("2",)),
        (-3, ("-3",)),
    ],
)
def test_an_unknown_output(output: Any, words: tuple[str, ...]):
    inputs = keras.Input((4,))
    heads = [keras.layers.Dense(2, name=name)(inputs) for name in ("first", "second")]
    model = filled(keras.Model(inputs, heads))
    message_of(lambda: dx.DeepExplain(model, output=output).__enter__(), UnknownNameError, "output", *words)


@pytest.mark.parametrize("output", [None, 1.5, True, [], (0,), b"auto"], ids=ids)
def test_an_output_of_a_wrong_kind(output: Any):
    message_of(lambda: dx.DeepExplain(mlp(), output=output), TypeError, "output", type(output).__name__)


_TYPOS = {
    "integrated_gradients": (
        "integrated_gradient",
        "integrated-gradients",
        "IntegratedGradients",
        "integrated gradients",
    ),
    "deeplift": ("deplift", "deep lift", "DeepLIFT", "deep_lift", "deeplifft"),
    "saliency": ("saliancy", "Saliency", "salency"),
    "occlusion": ("oclusion", "OCCLUSION", "occlusions", "occ"),
    "shapley_sampling": ("shapely", "shapley", "shapely_sampling", "ShapleySampling"),
    "gradient_x_input": ("gradient_input", "grad_x_input", "gradient*input", "gradient"),
    "guided_backprop": ("guided_backpropagation", "guided", "guidedbackprop"),
    "epsilon_lrp": ("lrp", "eps", "epsilonlrp"),
    "n_steps": ("n_step", "nsteps", "steps", "num_steps"),
    "batch_size": ("batchsize", "bach_size", "batch"),
    "window_shape": ("window", "window_size"),
    "normalise": ("normalize",),
    "conv": ("cov", "Conv", "conv2"),
}
_FAR = (
    "zzz",
    "banana",
    "foo",
    "lemon",
    "attention",
    "python",
    "everything",
    "x",
    "relu",
    "lstm",
    "forest",
    "permutation",
)
_FAR += ("anchors", "tcav", "noise_level", "alpha", "verbose", "device", "depth", "threshold", "optimizer", "classes")
_FAR += ("explain", "hello", "house", "", "a", "nn", "predictions", "pooling", "encoder", "pattern", "rise", "kernel")


@pytest.mark.parametrize(("meant", "typo"), [(meant, typo) for meant, typos in _TYPOS.items() for typo in typos])
def test_a_typo_names_what_was_meant(meant: str, typo: str):
    hint = closest(typo, _TYPOS)
    assert hint.startswith("closest: ")
    assert repr(meant) in hint


@pytest.mark.parametrize("name", _FAR)
def test_an_unrelated_word_names_what_is_known(name: str):
    hint = closest(name, _TYPOS)
    assert hint.startswith("known: 'batch_size', 'conv', ")
    assert hint.endswith(", … (13 in all)")


def test_the_closest_name_is_the_first():
    assert closest("dens", ["density", "dense_1", "dense", "conv"]).startswith("closest: 'dense', ")
    assert closest("anything", []) == "known: none"
