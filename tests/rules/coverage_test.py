"""Tests of `rules/coverage.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import EVALUATING
from tests.models import without_a_rule

_SIGNATURE = [tf.TensorSpec([None, 4], tf.float64)]


def _coverage(function, method, **settings):
    with dx.DeepExplain(function, input_signature=_SIGNATURE, **settings) as de:
        return de.coverage(method)


def _verdicts(function, method, **settings):
    """Verdicts by op type, without the Identity with which the trace of a function ends."""
    found = {op.type: verdict for op, verdict in _coverage(function, method, **settings)}
    assert found.pop("Identity") == ("exact" if method in EVALUATING else "linear")
    return found


def _network(x):
    weights = tf.constant(np.eye(4))
    hidden = tf.nn.relu(tf.matmul(x, weights) + 0.5)
    return tf.reduce_max(hidden * tf.tanh(x), 1, keepdims=True) * 2.0


def test_verdicts_of_deeplift():
    found = _verdicts(_network, "deeplift")
    assert found == {
        "MatMul": "linear",
        "AddV2": "linear",
        "Relu": "exact",
        "Tanh": "exact",
        "Mul": "linear",  # the last one is by a constant
        "Max": "exact",
    }
    products = [verdict for op, verdict in _coverage(_network, "deeplift") if op.type == "Mul"]
    assert sorted(products) == ["exact", "linear"]


def test_verdicts_of_epsilon_lrp():
    found = _verdicts(_network, "epsilon_lrp")
    assert (found["Relu"], found["Tanh"], found["MatMul"], found["Max"]) == ("exact", "exact", "linear", "gradient")
    assert _verdicts(lambda x: tf.nn.softmax(tf.exp(x)) * x, "epsilon_lrp") == {
        "Exp": "gradient",
        "Softmax": "gradient",
        "Mul": "gradient",
    }


@pytest.mark.parametrize("method", ["saliency", "gradient_x_input", "integrated_gradients"])
def test_gradient_methods_have_no_rules(method):
    assert set(_verdicts(_network, method).values()) == {"linear", "gradient"}


@pytest.mark.parametrize("method", ["guided_backprop", "deconvnet"])
def test_guided_methods_have_rules_at_rectifiers(method):
    found = _verdicts(_network, method)
    assert [name for name, verdict in found.items() if verdict == "exact"] == ["Relu"]


@pytest.mark.parametrize("method", EVALUATING)
def test_perturbations_cover_every_op(method):
    assert set(_verdicts(without_a_rule, method).values()) == {"exact"}


def test_refused_ops_are_found():
    coverage = _coverage(lambda x: without_a_rule(tf.nn.relu(x)), "deeplift")
    assert [op.type for op in coverage.refused()] == ["ReciprocalGrad"]
    assert coverage.counts == {"exact": 1, "linear": 1, "convention": 0, "gradient": 0, "refused": 1}
    assert len(coverage) == 3


def test_an_override_is_exact():
    assert _verdicts(without_a_rule, "deeplift", overrides={"ReciprocalGrad": lambda op, x: op(*x)}) == {
        "ReciprocalGrad": "exact"
    }


def test_groups_are_one_op():
    coverage = _coverage(lambda x: x * tf.sigmoid(x) + 1.0, "epsilon_lrp")
    found = [(op.type, verdict) for op, verdict in coverage]
    assert found == [("Group", "exact"), ("AddV2", "linear"), ("Identity", "linear")]


def test_inactive_ops_are_no_part_of_it():
    def model(x):
        return x + tf.exp(tf.constant(np.ones(4))) + tf.cast(tf.shape(x)[0], x.dtype)

    assert set(_verdicts(model, "deeplift")) == {"AddV2"}


def test_it_prints_as_a_table():
    text = str(_coverage(lambda x: without_a_rule(tf.nn.relu(x)), "deeplift"))
    head, _, *rows, summary = text.splitlines()
    assert head.split() == ["op", "type", "kind", "verdict"]
    assert [row.split()[1:] for row in rows] == [
        ["Relu", "activation", "exact"],
        ["ReciprocalGrad", "unknown", "refused"],
        ["Identity", "linear", "linear"],
    ]
    assert summary == "3 active ops: 1 exact, 1 linear, 1 refused"


def test_a_summary_counts_types():
    def model(x):
        rows = tf.reduce_max(tf.nn.relu(x), 1, keepdims=True)
        return without_a_rule(tf.nn.relu(-x) * 2.0) * rows

    text = _coverage(model, "deeplift").summary()
    head, _, *rows, summary = text.splitlines()
    assert head.split() == ["type", "kind", "verdict", "ops"]
    assert [row.split() for row in rows] == [
        ["ReciprocalGrad", "unknown", "refused", "1"],
        ["Relu", "activation", "exact", "2"],
        ["Identity", "linear", "linear", "1"],
        ["Max", "maximum", "exact", "1"],
        ["Mul", "linear", "linear", "1"],
        ["Mul", "product", "exact", "1"],
        ["Neg", "linear", "linear", "1"],
    ]
    assert summary == "8 active ops: 4 exact, 3 linear, 1 refused"


def test_a_layer_leaves_the_ops_behind_it():
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, "relu", name="first"), keras.layers.Dense(2, "tanh")]
    )
    with dx.DeepExplain(model, layer="first") as de:
        types = [op.type for op, _ in de.coverage("deeplift")]
    assert "Tanh" in types
    assert "Relu" not in types


def test_shapes_that_only_data_can_tell_are_an_error():
    with dx.DeepExplain(_network) as de, pytest.raises(dx.DeepExplainError, match="input_signature"):
        de.coverage("deeplift")
