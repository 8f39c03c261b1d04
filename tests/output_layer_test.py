"""`output=` with the name of a layer: its units, the neurons, are explained as if the model ended there."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import TargetError, UnknownNameError
from tests.checks import explain, in_turn, message_of
from tests.models import filled, perceptron

L = keras.layers
X = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    inputs = keras.Input((6, 6, 2))
    conv = L.Conv2D(3, 3, activation="relu", name="conv")(inputs)
    gate = L.Dense(4, activation="sigmoid", name="gate")(L.Flatten()(conv))
    shared = L.Dense(4, activation="tanh", name="shared")
    return filled(keras.Model(inputs, L.Dense(2, activation="softmax", name="classes")(shared(shared(gate)))))


def cut(model: keras.Model, name: str) -> keras.Model:
    return keras.Model(model.input, model.get_layer(name).output)


@pytest.mark.parametrize(
    "method", in_turn(["deeplift", "saliency", "integrated_gradients", "lrp", "occlusion", "grad_cam"])
)
def test_a_neuron_is_explained_as_if_the_model_ended_there(network, method):
    found = explain(network, method, X, output="conv", target=(1, -2, 0))
    expected = explain(cut(network, "conv"), method, X, target=(1, -2, 0))
    np.testing.assert_array_equal(found.attributions, expected.attributions)
    np.testing.assert_array_equal(found.outputs, expected.outputs)


def test_any_target_of_a_layer(network):
    values = np.asarray(cut(network, "gate")(X))
    with dx.DeepExplain(network, output="gate") as de:
        explainer = de.explainer("gradient_x_input")
        np.testing.assert_allclose(explainer(X, target=1).outputs, values[:, 1], rtol=1e-6)  # of no logit
        np.testing.assert_allclose(explainer(X, target="all").outputs, values, rtol=1e-6)
        summed = explainer(X, target=lambda gate: tf.reduce_sum(gate**2, 1))
        np.testing.assert_allclose(summed.outputs, (values**2).sum(1), rtol=1e-5)
        assert summed.notes == ()


def test_one_call_of_a_shared_layer_between_places(network):
    with dx.DeepExplain(network, output="shared:1", layer="gate") as de:
        e = de.explain("deeplift", X, target=2)
    assert e.attributions.shape == (3, 4)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-5)


def test_an_output_goes_before_the_layer_of_its_name(network):
    (note,) = explain(network, "saliency", X, output="classes", target=0).notes
    assert "stripped" in note


def test_an_export_explains_a_neuron(network, tmp_path):
    with dx.DeepExplain(network, output="gate") as de:
        explainer = de.explainer("deeplift", target=3, baseline=None)
        expected = explainer(X).attributions
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["explain"]
    (name,) = served.structured_input_signature[1]
    np.testing.assert_allclose(served(**{name: X})["attributions"], expected, rtol=1e-5, atol=1e-7)


REFUSED = {
    "an unknown name": ({"output": "gat"}, UnknownNameError, ("'gate'",)),
    "no call of it": ({"output": "gate:1"}, UnknownNameError, ("gate", "1 times")),
    "several calls": ({"output": "shared"}, UnknownNameError, ("2 times",)),
    "before what is explained": ({"output": "conv", "layer": "gate", "target": (0, 0, 0)}, TargetError, ("depend",)),
    "an index of another rank": ({"output": "conv"}, TargetError, ("3 indices",)),
}


@pytest.mark.parametrize(("settings", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(network, settings, kind, words):
    message_of(lambda: explain(network, "saliency", X, **{"target": 0, **settings}), kind, *words)


def test_a_model_without_layers_has_outputs_alone():
    call = lambda: explain(perceptron(), "saliency", X[:, 0, :2].reshape(3, 4), output="hidden", target=0)  # noqa: E731
    message_of(call, UnknownNameError, "'hidden'")
