"""Wrong settings of the with-block, and use outside of it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import ClosedError, DeepExplainError, ModelError, OptionError, UnknownNameError
from tests.checks import explain, message_of
from tests.errors.refused import GRADIENT, X, ids
from tests.models import mlp, perceptron


@pytest.mark.parametrize("value", ["yes", None, 1, 0, "True", []], ids=ids)
@pytest.mark.parametrize("setting", ["jit_compile", "strict"])
def test_a_switch_that_is_no_switch(setting: str, value: Any):
    message_of(lambda: dx.DeepExplain(mlp(), **{setting: value}), (OptionError, TypeError), setting, repr(value))


@pytest.mark.parametrize("signature", ["serving_default", 3], ids=ids)
def test_a_signature_for_a_model_that_has_none(signature: Any):
    message_of(lambda: dx.DeepExplain(mlp(), signature=signature), (OptionError, TypeError), "signature")


_WRONG_SIGNATURES = {
    "a number": 3,
    "a string": "float32",
    "an empty list": [],
    "a list of numbers": [3],
    "shapes": [(None, 4)],
    "an open rank": [tf.TensorSpec(None)],
    "no batch": [tf.TensorSpec([])],
    "two for one": [tf.TensorSpec([None, 4])] * 2,
    "another shape": [tf.TensorSpec([None, 5])],
    "strings": [tf.TensorSpec([None, 4], tf.string)],
}


@pytest.mark.parametrize("signature", _WRONG_SIGNATURES.values(), ids=_WRONG_SIGNATURES)
def test_a_wrong_input_signature(signature: Any):
    message_of(
        lambda: explain(perceptron(), GRADIENT, X, target=0, input_signature=signature), (DeepExplainError, TypeError)
    )


def test_an_unknown_setting():
    message_of(lambda: dx.DeepExplain(mlp(), layers="hidden"), TypeError, "layers")


_WRONG_OVERRIDES = {
    "an unknown op": ({"Rel": len}, UnknownNameError, ("'Rel'", "'Relu'")),
    "a wrong capital": ({"relu": len}, UnknownNameError, ("'relu'", "'Relu'")),
    "an unknown kind": ({"activations": len}, UnknownNameError, ("'activations'", "'activation'")),
    "something of the module": ({"__doc__": len}, UnknownNameError, ("'__doc__'",)),
    "a number": ({3: len}, (TypeError, UnknownNameError), ("overrides", "3")),
    "None": ({None: len}, (TypeError, UnknownNameError), ("overrides", "None")),
    "no rule": ({"Relu": 3}, TypeError, ("overrides", "rule")),
    "nothing for a rule": ({"Relu": None}, TypeError, ("overrides", "rule")),
    "a list": ([("Relu", len)], TypeError, ("overrides",)),
    "a name": ("Relu", TypeError, ("overrides",)),
}


@pytest.mark.parametrize(("overrides", "kind", "words"), _WRONG_OVERRIDES.values(), ids=_WRONG_OVERRIDES)
def test_wrong_overrides(overrides: Any, kind: Any, words: tuple[str, ...]):
    message_of(lambda: dx.DeepExplain(mlp(), overrides=overrides), kind, *words)
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.rewrite(overrides), (kind, TypeError, UnknownNameError))


_WRONG_RULES = {
    "two outputs for one": lambda op, inputs: [inputs[0], inputs[0]],
    "nothing": lambda op, inputs: None,
    "the op": lambda op, inputs: op,
    "an array": lambda op, inputs: np.ones(3),
    "another shape": lambda op, inputs: tf.ones([2]),
    "another dtype": lambda op, inputs: tf.cast(inputs[0], tf.float16),
}


@pytest.mark.parametrize("method", ["saliency", "deeplift"])
@pytest.mark.parametrize("rule", _WRONG_RULES.values(), ids=_WRONG_RULES)
def test_a_rule_that_does_not_return_the_outputs_of_its_op(rule: Any, method: str):
    overrides = {"Tanh": rule}
    message_of(lambda: explain(mlp(), method, X, target=0, overrides=overrides), (DeepExplainError, TypeError), "Tanh")


_USES: dict[str, Callable[[dx.DeepExplain], Any]] = {
    "explain": lambda de: de.explain(GRADIENT, X, target=0),
    "explainer": lambda de: de.explainer(GRADIENT),
    "rewrite": lambda de: de.rewrite("deeplift"),
    "coverage": lambda de: de.coverage("deeplift"),
}


@pytest.mark.parametrize("use", _USES.values(), ids=_USES)
def test_use_outside_of_the_with_block(use: Callable[[dx.DeepExplain], Any]):
    de = dx.DeepExplain(mlp())
    message_of(lambda: use(de), ClosedError, "with-block")
    with de:
        use(de)
    message_of(lambda: use(de), ClosedError, "with-block")
    with pytest.raises(KeyError), de:
        raise KeyError("x")
    message_of(lambda: use(de), ClosedError, "with-block")


def test_coverage_of_a_model_never_called_says_what_to_do():
    with dx.DeepExplain(perceptron()) as de:
        message_of(lambda: de.coverage("deeplift"), ModelError, "input_signature=")
