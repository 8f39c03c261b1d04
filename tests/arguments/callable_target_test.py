"""Callable targets with arrays of the examples, and with the model's inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import TargetError
from tests.checks import GENERAL, KINDS, each_of, explain, in_turn, options_of
from tests.models import filled, floats, perceptron

X = np.random.default_rng(0).normal(size=(5, 4))
LABELS = np.array([2, 0, 1, 1, 2])
WEIGHTS = np.random.default_rng(1).normal(size=(5, 3))


def own_class(outputs, labels):
    return tf.gather(outputs, labels, batch_dims=1)


def weighted(outputs, labels, weights):
    return tf.gather(outputs, labels, batch_dims=1) + tf.reduce_sum(outputs * weights, 1)


@each_of(GENERAL, KINDS[::2])
def test_arrays_go_with_their_examples(method):
    options = {"seed": 0, **options_of(method, X)}
    # The ops of a target hand relevance on too: without ε, as weights do. A selector must select an op.
    of_ops = {"composite": [("linear", dx.rules.proportion(0))]} if method == "lrp" else {}
    with dx.DeepExplain(perceptron("float64")) as de:
        expected = de.explain(method, X, target=LABELS, **options)
        both = de.explain(method, X, target=WEIGHTS + np.eye(3)[LABELS], **options)
        for sizes in ({"batch_size": 2}, {"chunk_size": 5}):  # as many rows as a batch has, and others
            found = de.explain(method, X, target=(own_class, LABELS), **options, **sizes)
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(found.outputs, expected.outputs, rtol=1e-12)
        found = de.explain(method, X, target=(weighted, [LABELS, WEIGHTS]), **options, **of_ops)
    np.testing.assert_allclose(found.attributions, both.attributions, rtol=1e-9, atol=1e-12)
    assert found.target == "weighted"


def test_other_arrays_need_no_new_trace():
    with dx.DeepExplain(perceptron("float64")) as de:
        explainer = de.explainer("deeplift")
        for labels in (LABELS, LABELS[::-1], np.zeros(5, int)):
            found = explainer(X, target=(own_class, labels))
            expected = de.explain("deeplift", X, target=labels)
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-9)
    assert explainer.n_traces == 2


def test_arrays_inside_a_graph_are_tensors():
    with dx.DeepExplain(perceptron("float64")) as de:
        explainer = de.explainer("integrated_gradients", n_steps=4)
        inside = tf.function(lambda x, labels: explainer(x, target=(own_class, labels)).attributions)
        found = inside(tf.constant(X), tf.constant(LABELS))
        np.testing.assert_allclose(found, explainer(X, target=LABELS).attributions, rtol=1e-9)


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))
def test_xla(jit_compile):
    found, expected = (
        explain(perceptron("float64"), "integrated_gradients", X, target=target, n_steps=4, jit_compile=jit_compile)
        for target in ((own_class, LABELS), LABELS)
    )
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-9)


def autoencoder():
    with floats("float64"):
        inputs = keras.Input((4,))
        hidden = keras.layers.Dense(3, "tanh", name="code")(inputs)
        return filled(keras.Model(inputs, keras.layers.Dense(4)(hidden)))


def error_of(outputs, inputs):
    return tf.reduce_sum((outputs - inputs) ** 2, 1)


@pytest.mark.parametrize("method", ["deeplift", "integrated_gradients", "occlusion"])
def test_a_function_may_see_the_inputs(method):
    """The reconstruction error of an autoencoder: the inputs move with the explained point."""
    model = autoencoder()
    found = explain(model, method, X, target=error_of)
    expected = explain(lambda x: tf.reduce_sum((model(x) - x) ** 2, 1), method, X)
    np.testing.assert_allclose(found.outputs, np.sum((model(X) - X) ** 2, 1), rtol=1e-12)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-9, atol=1e-12)


def test_at_a_layer_the_inputs_stay():
    model = autoencoder()
    found = explain(model, "deeplift", X, target=error_of, layer="code")
    code = np.tanh(X @ model.layers[1].kernel + model.layers[1].bias)
    end = model.layers[2]
    expected = explain(
        lambda z: tf.reduce_sum((z[:, :3] @ end.kernel.value + end.bias.value - z[:, 3:]) ** 2, 1),
        "deeplift",
        np.concatenate([code, X], 1),
        baseline=np.concatenate([0 * code, X], 1),
    )
    np.testing.assert_allclose(found.attributions, expected.attributions[:, :3], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("arrays", "shown"),
    [
        (LABELS[:3], r"a row for each of 5 examples\. Got shape \[3\]"),
        ([LABELS, WEIGHTS[:1]], r"a row for each of 5 examples\. Got shape \[1, 3\]"),
        (LABELS.tolist(), "Got a number"),
        (np.array(list("abcde")), "must hold numbers. Got strings"),
        ([np.full([5], np.nan)], "must be finite"),
        (None, "must be an array"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, shown):
    with pytest.raises(TargetError, match=f"an array of a callable target .*{shown}"):
        explain(perceptron("float64"), "saliency", X, target=(own_class, arrays))


def test_arrays_of_fixed_examples_are_no_part_of_a_graph_of_open_batch():
    with dx.DeepExplain(perceptron("float64"), input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        explainer = de.explainer("saliency", target=(own_class, LABELS))
        with pytest.raises(TargetError, match="a row for each of the examples"):
            tf.function(lambda x: explainer(x).attributions, autograph=False).get_concrete_function(
                tf.TensorSpec([None, 4], tf.float64)
            )
