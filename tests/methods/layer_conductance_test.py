"""Layer conductance: known values, completeness, and what bypasses a layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError, UnsupportedOpError
from tests.checks import explain, in_turn, message_of
from tests.methods.layer_networks import START, X, along, derivatives, network, values
from tests.models import filled, floats

L = keras.layers


def conductance(model, x=X, **arguments):
    return explain(model, "layer_conductance", x, **{"target": 1, **arguments})


@pytest.mark.parametrize("jit_compile", in_turn([False, True]))  # tests/conformance compiles
def test_the_integral_of_numpy(jit_compile):
    step = X - START

    def first(points):
        through, _, gradient, _ = derivatives(points)
        return gradient * np.einsum("bi,bij->bj", step, through)

    def second(points):
        through_first, through_second, _, gradient = derivatives(points)
        return gradient * np.einsum("bi,bij,bjk->bk", step, through_first, through_second)

    for layer, integrand in (("first", first), ("second", second)):
        e = conductance(network(), layer=layer, baseline=START, jit_compile=jit_compile)
        np.testing.assert_allclose(e.attributions, along(integrand), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(e.outputs, values(X)[2][:, 1], rtol=1e-13)
        np.testing.assert_allclose(e.baseline_outputs, np.repeat(values(START[None])[2][:, 1], 3), rtol=1e-13)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)
        assert e.n_steps == 64 and e.notes == ()


def test_of_the_inputs_and_of_the_output_it_is_known():
    e, ig = (explain(network(), m, X, target=1, baseline=START) for m in ("layer_conductance", "integrated_gradients"))
    np.testing.assert_allclose(e.attributions, ig.attributions, rtol=1e-11)
    whole = conductance(network(), layer="last", baseline=START).attributions
    np.testing.assert_allclose(whole[:, 1], values(X)[2][:, 1] - values(START[None])[2][0, 1], rtol=1e-12)
    np.testing.assert_array_equal(whole[:, 0], 0)


def picture_network(pooling):
    with floats("float64"):
        layers = [L.Conv2D(3, 3, activation="tanh"), pooling(2, name="pool"), L.Flatten(), L.Dense(3, "softplus")]
        return filled(keras.Sequential([keras.Input((7, 6, 2)), *layers, L.Dense(2)]))


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.long)])
@pytest.mark.parametrize("pooling", [L.MaxPooling2D, L.AveragePooling2D])
def test_pictures_add_up_behind_pooling(pooling, jit_compile):
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 2))
    e = conductance(picture_network(pooling), x, layer="pool", n_steps=200, jit_compile=jit_compile)
    assert e.attributions.shape == (2, 2, 2, 3)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-4 if pooling is L.MaxPooling2D else 1e-12)


def two_towers():
    """Two inputs with a layer each, and a shortcut past one of them."""
    with floats("float64"):
        left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
        hidden = [L.Dense(4, "tanh", name="of_left")(left), L.Dense(4, "tanh", name="of_right")(right)]
        joined = L.Concatenate(name="joined")([hidden[0] * hidden[1], right])
        return filled(keras.Model({"left": left, "right": right}, L.Dense(1)(joined)))


GOODS = {"left": np.random.default_rng(5).normal(size=(2, 3)), "right": np.random.default_rng(6).normal(size=(2, 2))}


def test_several_inputs_and_layers_and_what_bypasses_them():
    baseline = {"left": 0.2, "right": np.array([0.1, -0.3])}
    e = conductance(two_towers(), GOODS, target=0, layer="joined", baseline=baseline)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    both = conductance(two_towers(), GOODS, target=0, layer=["of_left", "of_right"], baseline=baseline)
    assert {name: array.shape for name, array in both.attributions.items()} == {"of_left": (2, 4), "of_right": (2, 4)}
    shortcut = ((GOODS["right"] - baseline["right"]) @ two_towers().layers[-1].kernel.numpy()[4:])[:, 0]
    np.testing.assert_allclose(both.completeness_gap, -shortcut, atol=1e-12)
    assert any("bypasses" in note for note in both.notes)


def test_a_baseline_for_each_example_and_sizes_change_nothing():
    with dx.DeepExplain(network(), layer="second") as de:
        explainer = de.explainer("layer_conductance", target=1, n_steps=7)
        expected = explainer(X, baseline=np.tile(START, (3, 1)))
        for sizes in ({"batch_size": 2}, {"chunk_size": 3}, {"max_memory": "1GiB"}):
            found = explainer(X, baseline=START, **sizes)
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-12)
        units = explainer(X, baseline=START, target="all")
        np.testing.assert_allclose(units.attributions[:, 1], expected.attributions, rtol=1e-12)


def test_an_export_takes_baselines_of_the_inputs(tmp_path):
    baseline = {"left": np.full((1, 3), 0.2), "right": np.full((1, 2), -0.1)}
    with dx.DeepExplain(two_towers(), layer="joined") as de:
        explainer = de.explainer("layer_conductance", n_steps=8)
        expected = explainer(GOODS, baseline=baseline).attributions
        explainer.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures["explain"]
    given = {**GOODS, **{f"baseline_{name}": array for name, array in baseline.items()}}
    found = served(**{name: tf.constant(array) for name, array in given.items()})
    np.testing.assert_allclose(found["attributions"], expected, rtol=1e-12, atol=1e-14)


def test_derivatives_of_tensors():
    with dx.DeepExplain(network(), layer="second") as de:
        explainer = de.explainer("layer_conductance", target=1, n_steps=6)

    def loss(x):
        return np.sum(explainer(x).attributions ** 2)

    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        asked = tf.reduce_sum(explainer(x, tensors=True).attributions ** 2)
    direction = np.random.default_rng(1).normal(size=X.shape)
    numeric = (loss(X + 1e-5 * direction) - loss(X - 1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(np.sum(tape.gradient(asked, x) * direction), numeric, rtol=1e-7)


def tokens():
    ids = keras.Input((3,), dtype="int32", name="ids")
    embedded = L.Embedding(6, 2, name="embedding")(ids)
    return filled(keras.Model(ids, L.Dense(2)(L.Flatten(name="flat")(embedded))))


def test_what_cannot_move_along_a_path_is_refused():
    call = lambda: conductance(tokens(), np.array([[1, 2, 3]]), layer="flat")  # noqa: E731
    message_of(call, InputError, "path", "int32", "'ids'", "integrated_gradients")


@pytest.mark.parametrize("options", [{"n_steps": 0}, {"n_steps": True}, {"quadrature": "simpson"}, {"tolerance": 0.1}])
def test_options_out_of_range(options):
    message_of(lambda: conductance(network(), **options), OptionError, next(iter(options)))


def test_metrics_at_a_layer_are_refused():
    comparison = dx.compare(
        network(), X, layer="second", target=1, methods=["layer_conductance", "deeplift"], metrics=["completeness"]
    )
    assert "leave out layer=" in str(comparison)
    assert set(comparison.scores["completeness"]) == {"deeplift"}


def test_a_gradient_without_a_gradient_is_named():
    resize = lambda x: tf.image.resize(x, [4, 4], "bicubic")  # noqa: E731
    layers = [L.Lambda(resize), L.Flatten(name="flat"), L.Dense(1)]
    model = keras.Sequential([keras.Input((2, 2, 1)), *layers])
    call = lambda: conductance(model, np.ones((1, 2, 2, 1)), target=0, layer="flat")  # noqa: E731
    message_of(call, UnsupportedOpError, "ResizeBicubicGrad", "second derivative")


def test_a_batch_of_one():
    e = conductance(network(), X[:1], layer="second", baseline=START)
    np.testing.assert_allclose(e.attributions, conductance(network(), layer="second", baseline=START).attributions[:1])
