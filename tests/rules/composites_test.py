"""Tests of `rules/composites.py`."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.rules.base import RULES, single
from deepexplain_tf.rules.composites import DECONVNET, DEEPLIFT, GRADIENT, GUIDED, Composite, epsilon_lrp
from tests.checks import Replaced, explain, multipliers
from tests.models import without_a_rule

_X = np.array([[-1.5, 0.5, 2.0]])


@single
def _twice(op, x, upstream):
    return [2 * upstream[0] for _ in op.active]


@single
def _thrice(op, x, upstream):
    return [3 * upstream[0] for _ in op.active]


def _found(rules, function):
    return Replaced(function, rules).gradients([_X])[0]


def test_op_type_goes_before_kind():
    def model(x):
        return tf.nn.relu(x) + tf.tanh(x)

    np.testing.assert_array_equal(_found({"Relu": _twice, "activation": _thrice}, model), np.full((1, 3), 5.0))


def test_own_rules_go_before_the_methods():
    found = explain(tf.nn.relu, "guided_backprop", _X, target=2, overrides={"Relu": _twice})
    np.testing.assert_array_equal(found.attributions, [[0, 0, 2.0]])
    found = explain(tf.nn.relu, "guided_backprop", _X, target=2, overrides={"activation": _twice})
    np.testing.assert_array_equal(found.attributions, [[0, 0, 2.0]])


def test_own_rules_take_part_in_deeplift():
    found = explain(lambda x: 4 * tf.nn.relu(x), "deeplift", _X, target=1, overrides={"Relu": _twice})
    np.testing.assert_array_equal(found.attributions, [[0, 8 * 0.5, 0]])
    np.testing.assert_array_equal(found.baseline_outputs, [0.0])


def test_own_rule_at_a_linear_op():
    found = explain(lambda x: tf.reduce_sum(-x, 1), "saliency", _X, overrides={"Neg": _thrice})
    np.testing.assert_array_equal(found.attributions, np.full((1, 3), 3.0))


def test_a_rule_wrapped_by_hand():
    """What a user writes: the op emitted under `tf.custom_gradient`."""

    def rule(op, inputs):
        @tf.custom_gradient
        def replaced(z):
            return op(z), lambda upstream: upstream * 7.0

        return replaced(inputs[0])

    np.testing.assert_array_equal(_found({"Tanh": rule}, tf.tanh), np.full((1, 3), 7.0))


def test_an_empty_map_is_the_gradient():
    found = _found({}, lambda x: tf.tanh(x) * x)
    np.testing.assert_allclose(found, np.tanh(_X) + _X * (1 - np.tanh(_X) ** 2), rtol=1e-14)


def test_a_rule_with_the_wrong_number_of_outputs_is_an_error():
    with pytest.raises(dx.UnsupportedOpError, match=r"1 outputs of its op. Got 2 for Tanh"):
        _found({"Tanh": lambda op, inputs: [op(*inputs)] * 2}, tf.tanh)


@pytest.mark.parametrize("rules", [{"relu": _twice}, {"activations": _twice}, {"NoSuchOp": _twice}])
def test_overrides_of_unknown_ops_are_errors(rules):
    with pytest.raises(dx.DeepExplainError, match=next(iter(rules))):
        dx.DeepExplain(tf.nn.relu, overrides=rules)


def test_an_op_without_a_rule_is_refused_by_name():
    with pytest.raises(dx.UnsupportedOpError, match="ReciprocalGrad") as error:
        explain(without_a_rule, "deeplift", _X, target=0)
    assert "graph/kinds.py" in str(error.value)
    assert len(str(error.value)) <= 500


def test_an_index_that_depends_on_the_input_is_refused():
    with pytest.raises(dx.UnsupportedOpError, match="index or condition") as error:
        explain(lambda x: tf.gather(x, tf.argmax(x, 1), axis=1, batch_dims=1)[:, None] * x, "deeplift", _X, target=0)
    assert "GatherV2" in str(error.value)


def test_strict_false_passes_by_plain_gradient_and_says_so():
    e = explain(without_a_rule, "deeplift", _X, target=1, baseline=1.0, strict=False)
    assert any("ReciprocalGrad" in note for note in e.notes)
    np.testing.assert_allclose(e.attributions, [[0, 2 * 0.5 * (0.5 - 1), 0]], rtol=1e-12)


def test_single_valued_methods_keep_the_ordinary_gradient():
    e = explain(without_a_rule, "epsilon_lrp", _X, target=1)
    np.testing.assert_allclose(e.attributions, [[0, 2 * 0.5 * 0.5, 0]], rtol=1e-12)
    assert e.notes == ()


def test_an_override_covers_a_refused_op():
    e = explain(without_a_rule, "deeplift", _X, target=2, baseline=1.0, overrides={"ReciprocalGrad": _twice})
    np.testing.assert_array_equal(e.attributions, [[0, 0, 2 * (2.0 - 1)]])
    (note,) = e.notes  # the user's rule is not complete
    assert "do not add up" in note and "ReciprocalGrad" in note


def test_what_the_maps_assume():
    assert (GRADIENT.twin, GRADIENT.canonical, GRADIENT.complete) == (False, False, False)
    assert (DEEPLIFT.twin, DEEPLIFT.canonical, DEEPLIFT.complete) == (True, True, True)
    assert epsilon_lrp(0.1).canonical and not epsilon_lrp(0.1).twin
    assert set(GUIDED.rules) == set(DECONVNET.rules) == {"Relu", "Relu6"}
    assert {RULES[name] for name in ("midpoint", "quotient", "softmax")} <= set(DEEPLIFT.rules.values())
    assert Composite().rules == {}


def test_two_maps_for_one_model_do_not_disturb_each_other():
    with dx.DeepExplain(tf.nn.relu) as first, dx.DeepExplain(tf.nn.relu, overrides={"Relu": _twice}) as second:
        for _ in range(2):
            plain = first.explain("saliency", _X, target=0).attributions
            other = second.explain("saliency", _X, target=0).attributions
            np.testing.assert_array_equal(plain, [[0, 0, 0]])
            np.testing.assert_array_equal(other, [[2, 0, 0]])
    np.testing.assert_array_equal(multipliers(tf.nn.relu, [_X], [np.zeros(3)])[0], [[0, 1, 1]])
