"""Neuron conductance: known values, and sums over neurons and inputs."""

import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, UnknownNameError
from tests.checks import explain, in_turn, message_of
from tests.methods.layer_networks import START, X, along, derivatives, network
from tests.models import filled, floats, perceptron

L = keras.layers


def conductance(model=None, x=X, **arguments):
    return explain(model or network(), "neuron_conductance", x, **{"target": 1, "baseline": START, **arguments})


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))  # tests/conformance compiles
def test_the_integral_of_numpy(jit_compile):
    for neuron in (0, -1):

        def integrand(points, neuron=neuron):
            through_first, through_second, _, gradient = derivatives(points)
            return gradient[:, [neuron]] * np.einsum("bij,bj->bi", through_first, through_second[:, :, neuron])

        e = conductance(at="second", neuron=neuron, jit_compile=jit_compile)
        np.testing.assert_allclose(e.attributions, (X - START) * along(integrand), rtol=1e-10, atol=1e-13)


def test_sums_over_inputs_and_over_neurons():
    each = np.stack([conductance(at="first", neuron=(n,)).attributions for n in range(5)])
    layer = explain(network(), "layer_conductance", X, target=1, layer="first", baseline=START).attributions
    whole = explain(network(), "integrated_gradients", X, target=1, baseline=START).attributions
    np.testing.assert_allclose(each.sum(2).T, layer, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(each.sum(0), whole, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(conductance(at="first").attributions, whole, rtol=1e-10, atol=1e-13)


def test_through_a_layer_behind_an_embedding():
    with floats("float64"):
        ids = keras.Input((3,), dtype="int32")
        embedded = L.Embedding(6, 2, name="embedding")(ids)
        hidden = L.Dense(4, activation="tanh", name="hidden")(embedded)
        model = filled(keras.Model(ids, L.Dense(2)(L.Flatten()(hidden))))
    tokens = np.array([[1, 2, 3], [5, 0, 2]])
    with dx.DeepExplain(model, layer="embedding") as de:
        e = de.explain("neuron_conductance", tokens, target=0, at="hidden", neuron=(1, 2))
        assert e.attributions.shape == (2, 3, 2)
        np.testing.assert_array_equal(e.attributions[:, [0, 2]], 0)  # the neuron reads one word
        whole = de.explain("neuron_conductance", tokens, target=0, at="hidden")
    np.testing.assert_allclose(whole.attributions.sum((1, 2)), e.outputs - e.baseline_outputs, rtol=1e-10)


REFUSED = {
    "no layer": ({}, OptionError, ("at=",)),
    "an unknown layer": ({"at": "secnd"}, UnknownNameError, ("second",)),
    "beyond the layer": ({"at": "second", "neuron": 3}, OptionError, ("[3]", "(3,)")),
    "too many axes": ({"at": "second", "neuron": (0, 0)}, OptionError, ("[3]", "(0, 0)")),
    "no index": ({"at": "second", "neuron": 0.5}, OptionError, ("neuron", "0.5")),
}


@pytest.mark.parametrize(("options", "kind", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(options, kind, words):
    message_of(lambda: conductance(**options), kind, *words)


def test_a_function_without_layers_names_a_scope():
    message_of(lambda: conductance(perceptron("float64"), at="nothing"), UnknownNameError, "nothing")
    e = conductance(perceptron("float64"), at="Tanh")
    whole = explain(perceptron("float64"), "integrated_gradients", X, target=1, baseline=START)
    np.testing.assert_allclose(e.attributions, whole.attributions, rtol=1e-10, atol=1e-13)
