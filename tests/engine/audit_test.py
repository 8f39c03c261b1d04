"""Tests of `audit.py`: where the sum is lost, op by op."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import in_turn
from tests.models import without_a_rule

_RNG = np.random.default_rng(11)
_WEIGHTS = [_RNG.normal(size=(6, 8)), _RNG.normal(size=(8, 8)), _RNG.normal(size=(8, 3))]
_X, _START = _RNG.normal(size=(3, 6)), _RNG.normal(size=6)
_SIGNATURE = [tf.TensorSpec([None, 6], tf.float64)]


def _network(x):
    hidden = tf.nn.relu(x @ _WEIGHTS[0] + 0.3)
    mixed = tf.nn.softmax(hidden @ _WEIGHTS[1]) * tf.tanh(hidden)
    return tf.nn.softplus(tf.reduce_max(mixed, 1, keepdims=True) + mixed @ _WEIGHTS[2])


def _plain(op, inputs):
    return op(*inputs)


def _audit(model, x, method="deeplift", *, overrides=None, baseline=None, target=1, **settings):
    with dx.DeepExplain(model, overrides=overrides, **settings) as de:
        arguments = {} if baseline is None else {"baseline": baseline}
        return de.audit(method, x, target=target, **arguments), de.explain(method, x, target=target, **arguments)


def _network_audit(**settings):
    return _audit(_network, _X, baseline=_START, input_signature=_SIGNATURE, **settings)


def test_a_complete_set_of_rules_loses_nothing():
    found, _ = _network_audit()
    assert {row.type for row in found} >= {"MatMul", "Relu", "Softmax", "Mul", "Tanh", "Max", "Softplus"}
    assert all(row.share < 1e-12 for row in found)
    assert found.change.shape == (3,)


@pytest.mark.parametrize("disabled", in_turn(["Softmax", "Relu", "Mul", "Tanh", "Max", "Softplus"], 6))
def test_a_disabled_rule_is_pointed_at(disabled):
    found, explanation = _network_audit(overrides={disabled: _plain})
    first, *others = found
    assert first.type == disabled
    assert first.share > 1e-3
    assert all(row.share < 1e-12 for row in others)
    np.testing.assert_allclose(first.lost, explanation.completeness_gap, rtol=1e-9, atol=1e-12)


def test_losses_add_up_to_the_gap():
    found, explanation = _network_audit(overrides={"Relu": _plain, "Softmax": _plain, "Mul": _plain})
    np.testing.assert_allclose(sum(row.lost for row in found), explanation.completeness_gap, rtol=1e-9)
    np.testing.assert_allclose(found.change, explanation.outputs - explanation.baseline_outputs, rtol=1e-12)


def _recurrent():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((7, 4)), keras.layers.LSTM(5), keras.layers.Dense(2)])
    model.set_weights([_RNG.normal(size=array.shape) * 0.7 for array in model.get_weights()])
    return model, _RNG.normal(size=(2, 7, 4)).astype("float32")


@pytest.mark.long  # tests/engine/units_test.py and tests/loops_test.py enter loops
def test_loops_are_entered():
    model, x = _recurrent()
    found, explanation = _audit(model, x, overrides={"Tanh": _plain})
    assert [row.type for row in found][:2] == ["Tanh"] * 2  # of the candidate and of the state
    assert found.rows[2].share < 1e-5
    np.testing.assert_allclose(sum(row.lost for row in found), explanation.completeness_gap, rtol=1e-3)


def test_a_layer_is_audited_from_there_on():
    layers = [keras.layers.Dense(5, "relu", name="first"), keras.layers.Dense(2, "tanh")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    found, _ = _audit(model, _RNG.normal(size=(2, 4)).astype("float32"), layer="first")
    types = {row.type for row in found}
    assert "Tanh" in types
    assert "Relu" not in types


def test_without_a_baseline_a_bias_is_a_loss():
    bias = np.array([0.5, -1.0, 2.0])

    def model(x):
        return tf.nn.bias_add(x @ _WEIGHTS[2][:6], bias)

    found, explanation = _audit(model, _X, "gradient_x_input", target=2, input_signature=_SIGNATURE)
    assert found.rows[0].type == "BiasAdd"
    np.testing.assert_allclose(found.rows[0].lost, [-2.0] * 3, rtol=1e-12)
    gap = explanation.attributions.sum(1) - explanation.outputs
    np.testing.assert_allclose(sum(row.lost for row in found), gap, rtol=1e-9)


def test_epsilon_lrp_keeps_relevance_at_activations():
    with dx.DeepExplain(_network, input_signature=_SIGNATURE) as de:
        found = de.audit("epsilon_lrp", _X, target=1, epsilon=1e-9)
    lost = {row.type: row.share for row in found}
    assert lost["Tanh"] < 1e-8
    assert lost["Softmax"] > 1e-3  # which keeps the ordinary gradient


def test_complex_values_are_audited():
    table = tf.constant(_RNG.normal(size=(4, 2)))

    def model(x):
        return tf.abs(tf.signal.rfft(x)) @ table

    found, _ = _audit(model, _X, baseline=_START, input_signature=_SIGNATURE)
    assert "ComplexAbs" in {row.type for row in found}
    assert all(row.share < 1e-12 for row in found)


def test_ops_without_a_rule_show_what_they_lose():
    def model(x):
        return tf.reduce_sum(without_a_rule(x) * 3.0, 1, keepdims=True)

    found, explanation = _audit(model, _X, baseline=_START, target=None, input_signature=_SIGNATURE, strict=False)
    assert (found.rows[0].type, found.rows[0].verdict) == ("ReciprocalGrad", "refused")
    np.testing.assert_allclose(found.rows[0].lost, explanation.completeness_gap, rtol=1e-9)


@pytest.mark.parametrize("method", ["integrated_gradients", "occlusion", "shapley_sampling"])
def test_only_one_backward_pass_can_be_audited(method):
    with (
        dx.DeepExplain(_network, input_signature=_SIGNATURE) as de,
        pytest.raises(dx.DeepExplainError, match="one backward pass"),
    ):
        de.audit(method, _X, target=1)


def test_it_prints_as_a_table():
    found, _ = _network_audit(overrides={"Softmax": _plain})
    head, _, first, *_, summary = str(found).splitlines()
    assert head.split() == ["op", "type", "verdict", "lost", "share"]
    assert first.split()[1:3] == ["Softmax", "exact"]
    assert summary.startswith(f"{len(found)} active ops; together ")
