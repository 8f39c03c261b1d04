"""Tests of `methods/lrp.py` and the composites that it takes."""

import keras
from keras import layers as L
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, UnknownNameError
from deepexplain_tf.rules.relevance.composites import NAMED
from tests.checks import explain, in_turn, message_of
from tests.models import filled, floats

X = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3, padding="same", use_bias=False, name="stem")(inputs)))
    x = L.Add()([x, L.Conv2D(4, 3, padding="same", name="block")(x)])
    x = L.GlobalAveragePooling2D()(L.Conv2D(5, 2, strides=2, activation="silu", name="top")(L.MaxPooling2D()(x)))
    return filled(keras.Model(inputs, L.Dense(3, "softmax", name="head")(x)))


@pytest.fixture(scope="module")
def opened(network):
    with dx.DeepExplain(network) as de:
        yield de


@pytest.mark.parametrize("name", in_turn(NAMED))
def test_named_composites(name, opened):
    """Relevance arrives and is finite, and the gap is what is missing from the target."""
    e = opened.explain("lrp", X, target=1, composite=name)
    assert np.isfinite(e.attributions).all() and np.abs(e.attributions).max() > 0
    np.testing.assert_allclose(
        e.completeness_gap, e.attributions.reshape(3, -1).sum(1, dtype=np.float64) - e.outputs, atol=1e-5
    )
    assert e.baseline_outputs is None


def test_rules_of_a_composite(network):
    with dx.DeepExplain(network) as de:
        coverage = de.coverage("lrp")
        rules = dict(zip((op.node.attrs.get("path", op.type) for op in coverage.ops), coverage.rules, strict=True))
    expected = {"stem": "z_plus()", "block": "z_plus()", "top": "z_plus()", "head": "epsilon(1e-06)"}
    assert {name: rules[name] for name in expected} == expected
    assert rules["Relu"] == rules["Group"] == "pass_through()"
    assert rules["AddV2"] == rules["Mean"] == "proportion(1e-08)"
    assert rules["MaxPool"] == "winner()"
    assert "z_plus()" in str(coverage) and " stem" in str(coverage)


def test_the_first_selector_that_fits_counts(network):
    composite = [("stem", dx.rules.flat()), ("convolution", dx.rules.gamma(0.5)), ("last", dx.rules.epsilon(0.1))]
    explicit = [*composite[:1], ("block", dx.rules.gamma(0.5)), ("to*", dx.rules.gamma(0.5)), *composite[2:]]
    found, expected = (explain(network, "lrp", X, target=1, composite=c).attributions for c in (composite, explicit))
    np.testing.assert_array_equal(found, expected)
    swapped = explain(network, "lrp", X, target=1, composite=[composite[1], composite[0], composite[2]])
    assert np.abs(swapped.attributions - expected).max() > 1e-3 * np.abs(expected).max()


def test_rules_with_equal_parameters_share_a_program(network):
    composites = [[("convolution", dx.rules.gamma(factor))] for factor in (0.25, 0.25, 0.5)]
    traces = []
    with dx.DeepExplain(network) as de:
        for composite in composites:
            explainer = de.explainer("lrp", target=1, composite=composite)
            explainer(X)
            traces.append(explainer.n_traces)
    assert traces == [1, 1, 2]


def test_relevance_begins_with_weights_times_outputs(network):
    """Σ over units of the relevance of each, weighted."""
    weights = np.array([[0.5, -2.0, 1.0]])
    with dx.DeepExplain(network) as de:
        found = de.explain("lrp", X, target=weights, composite="epsilon").attributions
        parts = [de.explain("lrp", X, target=unit, composite="epsilon").attributions for unit in range(3)]
    expected = sum(w * part for w, part in zip(weights[0], parts, strict=True))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_epsilon_is_gradient_times_input_on_a_relu_net_without_biases():
    with floats("float64"):
        layers = [keras.Input((4,)), L.Dense(5, "relu", use_bias=False), L.Dense(2, use_bias=False)]
        model = filled(keras.Sequential(layers))
    x = np.random.default_rng(0).normal(size=(3, 4))
    e = explain(model, "lrp", x, target=0, composite=[("dense", dx.rules.epsilon(0))])
    np.testing.assert_allclose(e.attributions, explain(model, "gradient_x_input", x, target=0).attributions, rtol=1e-9)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_it_follows_training():
    model = keras.Sequential([keras.Input((4,)), L.Dense(5), L.BatchNormalization(), L.ReLU(), L.Dense(2)])
    x = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    with dx.DeepExplain(model) as de:
        explain_it = de.explainer("lrp", target=0, composite="epsilon_plus_flat")
        before = explain_it(x).attributions
        for weight in model.weights:
            weight.assign(weight * 1.5 + 0.1)
        after = explain_it(x).attributions
    assert np.abs(after - before).max() > 1e-3
    fresh = explain(model, "lrp", x, target=0, composite="epsilon_plus_flat").attributions
    np.testing.assert_allclose(after, fresh, rtol=1e-5, atol=1e-7)


def test_a_rule_of_the_users_own(network):
    """In a few lines: shares by the size of each contribution, whatever its sign."""

    def flow(layer, relevance):
        terms = [(tf.abs(layer.x), tf.abs(layer.kernel), None)]
        return dx.rules.shares(layer, relevance, terms, 1e-9)

    rule = dx.rules.of_layers("by size", flow)
    e = explain(network, "lrp", X, target=1, composite=[("convolution", rule), ("dense", rule)])
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-4 * np.abs(e.outputs).max())


@pytest.mark.parametrize(
    ("composite", "kind", "words"),
    [
        ("epsilon_pluss", UnknownNameError, ("epsilon_plus",)),
        (7, OptionError, ("a name or a list",)),
        ([], OptionError, ("a name or a list",)),
        ([("dense", "gamma")], OptionError, ("dx.rules.gamma(0.25)", "'gamma'")),
        ([("dense",)], OptionError, ("(selector, rule)",)),
        ([(3, dx.rules.flat())], OptionError, ("(selector, rule)",)),
        ([("heads", dx.rules.flat())], OptionError, ("'heads'", "head", "stem")),
        ([("Relu", dx.rules.flat())], OptionError, ("flat()", "Relu", "layers")),
        ([("head", dx.rules.pass_through())], OptionError, ("'head'", "as many inputs as outputs")),
    ],
)
def test_composites_that_do_not_fit(composite, kind, words, network):
    message_of(lambda: explain(network, "lrp", X, target=1, composite=composite), kind, *words)


@pytest.mark.parametrize(
    "make",
    [
        lambda: dx.rules.epsilon(-1e-6),
        lambda: dx.rules.gamma("0.25"),
        lambda: dx.rules.gamma(float("nan")),
        lambda: dx.rules.alpha_beta(2, 2),
        lambda: dx.rules.alpha_beta(0.5, -0.5),
        lambda: dx.rules.z_box("low", 1),
        lambda: dx.rules.z_box(1, 0),
        lambda: dx.rules.z_box(float("inf"), 1),
    ],
)
def test_parameters_out_of_their_range(make):
    message_of(make, OptionError, "Got")
