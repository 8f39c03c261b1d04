"""Tests of `passes/strip.py`: a final softmax or sigmoid wherever Keras puts it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.passes import strip_probability
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from tests.checks import explain, in_turn
from tests.models import filled, floats

L = keras.layers
X = np.random.default_rng(0).normal(size=(2, 4, 5))
METHOD = "gradient_x_input"


def inner(*layers):
    """A model in a model."""
    return keras.Sequential([keras.Input((3,)), *layers])


def narrowed(y):
    return tf.cast(tf.cast(y, "float32"), "float64")


# Layers behind the scores [4, 3] that make probabilities of them, and the layers that leave the scores at their place.
ENDS = {
    "softmax": lambda: ([L.Softmax()], []),
    "softmax over another axis": lambda: ([L.Softmax(axis=1)], []),
    "softmax of TensorFlow": lambda: ([L.Lambda(lambda z: tf.nn.softmax(z, axis=1))], []),
    "sigmoid": lambda: ([L.Activation("sigmoid")], []),
    "each step": lambda: ([L.TimeDistributed(L.Softmax())], []),
    "nested": lambda: ([keras.Sequential([L.Softmax()])], []),
    "nested each step": lambda: (
        [L.TimeDistributed(inner(L.Dense(2), L.Softmax()))],
        [L.TimeDistributed(L.Dense(2))],
    ),
    "reshape": lambda: ([L.Softmax(), L.Reshape((2, 6))], [L.Reshape((2, 6))]),
    "permute": lambda: ([L.Softmax(), L.Permute((2, 1))], [L.Permute((2, 1))]),
    "flatten": lambda: ([L.Activation("sigmoid"), L.Flatten()], [L.Flatten()]),
    "squeeze": lambda: ([L.Softmax(), L.Reshape((1, 12)), L.Lambda(lambda y: tf.squeeze(y, 1))], [L.Flatten()]),
    "cast": lambda: ([L.Softmax(), L.Lambda(narrowed)], [L.Lambda(narrowed)]),
    "identity": lambda: ([L.Softmax(), L.Identity()], []),
    "dropout": lambda: ([L.Softmax(), L.Dropout(0.5)], []),
    "joined": lambda: (
        [L.Lambda(lambda z: tf.concat([tf.nn.softmax(z), tf.sigmoid(z)], 2))],
        [L.Lambda(lambda z: tf.concat([z, z], 2))],
    ),
}
KEPT = {
    "product": lambda: [L.Softmax(), L.Rescaling(2.0)],
    "mean": lambda: [L.Softmax(), L.GlobalAveragePooling1D()],
    "one unit": lambda: [L.Softmax(), L.Lambda(lambda y: y[..., 1])],
    "sum of two": lambda: [L.Lambda(lambda z: tf.nn.softmax(z) + tf.sigmoid(z))],
    "one of two joined": lambda: [L.Lambda(lambda z: tf.concat([tf.nn.softmax(z), z], 2))],
}
OTHER = {
    "scores": list,
    "attention": lambda: [L.Lambda(lambda z: tf.nn.softmax(z) * z)],
    "relu behind": lambda: [L.Softmax(), L.ReLU()],
    "gates": lambda: [L.LSTM(3)],
    "hidden sigmoid": lambda: [L.Activation("sigmoid"), L.Dense(2)],
}


def with_end(end):
    return filled(keras.Sequential([keras.Input((4, 5)), L.Dense(3), *end]))


@pytest.mark.parametrize("end", in_turn(ENDS))
def test_the_logits_are_explained(end):
    with floats("float64"):
        probable, plain = map(with_end, ENDS[end]())
    plain.set_weights(probable.get_weights())
    _same(probable, plain)


def _same(probable, plain):
    """Checks that the one is explained as the other, which has no probabilities."""
    target = np.random.default_rng(1).normal(size=plain(X).shape)
    found, expected = (explain(model, METHOD, X, target=target) for model in (probable, plain))
    np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-10)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-8, atol=1e-12)
    (note,) = found.notes
    assert "stripped: the target is its logit" in note and expected.notes == ()


@pytest.mark.parametrize("end", KEPT)
def test_what_is_more_than_probabilities_is_kept_with_a_note(end):
    with floats("float64"):
        model = with_end(KEPT[end]())
    target = np.random.default_rng(1).normal(size=model(X).shape)
    found = explain(model, METHOD, X, target=target)
    np.testing.assert_allclose(
        found.outputs, np.sum(model(X).numpy() * target, tuple(range(1, target.ndim))), rtol=1e-8
    )
    (note,) = found.notes
    assert "was not stripped: the target is no logit" in note


@pytest.mark.parametrize("end", OTHER)
def test_other_outputs_have_no_note(end):
    with floats("float64"):
        model = with_end(OTHER[end]())
    assert explain(model, METHOD, X, target=np.ones(model(X).shape)).notes == ()


def test_a_second_time_nothing_is_stripped():
    (output,) = trace(source_of(with_end(ENDS["reshape"]()[0])), None).program.outputs
    logits, (node,) = strip_probability(output)
    assert node.type == "Softmax"
    assert strip_probability(logits) == (logits, [])
