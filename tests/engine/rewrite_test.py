"""Tests of `rewrite.py`: rewritten models."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError
from tests.checks import EVALUATING, derivative, explain
from tests.models import STRUCTURES, filled, mlp, rectified
from tests.users_rules import times

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
METHODS = dx.list_methods()
GRADIENTS = ("saliency", "guided_backprop", "deconvnet", "epsilon_lrp", "deeplift")


def replaced_gradient(rewritten: Callable[..., Any], x: np.ndarray, select: Callable[[Any], tf.Tensor]) -> np.ndarray:
    return derivative(lambda x: select(rewritten(x)), x)


@pytest.mark.parametrize(
    "name", [name for name, case in STRUCTURES.items() if not case.batch and name != "layer_beside_inputs"]
)
@pytest.mark.parametrize("method", [pytest.param("epsilon_lrp", marks=pytest.mark.long), "deeplift"])
def test_the_values_are_those_of_the_model_in_their_structure(name: str, method: str):
    case = STRUCTURES[name]
    model, inputs = case.build(), case.inputs(3)
    settings = {key: value for key, value in case.settings.items() if key == "layer"}
    with dx.DeepExplain(model, **settings) as de:
        found = de.rewrite(method)(inputs)
    if isinstance(model, keras.Model):
        expected = model(inputs)
    elif isinstance(inputs, dict):
        expected = model(**inputs)
    else:
        expected = model(*inputs) if isinstance(inputs, list | tuple) else model(inputs)
    tf.nest.assert_same_structure(found, expected)
    for one, other in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("method", GRADIENTS)
def test_its_gradient_is_that_of_explain(method: str):
    model = rectified()
    with dx.DeepExplain(model, output="model") as de:
        options = {"signed": True} if method == "saliency" else {}
        baseline = 0.25 if method == "deeplift" else None
        attributions = de.explain(method, X, target=2, baseline=baseline, **options).attributions
        rewritten = de.rewrite(method, baseline)
    factor = {"epsilon_lrp": X, "deeplift": X - 0.25}.get(method, 1.0)
    found = factor * replaced_gradient(rewritten, X, lambda outputs: outputs[:, 2])
    np.testing.assert_allclose(found, attributions, rtol=1e-5, atol=1e-7)


def test_nothing_is_stripped_from_a_rewritten_model():
    with dx.DeepExplain(mlp()) as de:
        outputs = de.rewrite("deeplift")(X)
    np.testing.assert_allclose(tf.reduce_sum(outputs, 1), np.ones(3), rtol=1e-6)


def test_all_outputs_of_a_rewritten_model_have_the_replaced_gradient():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(4, activation="relu")(inputs)
    model = filled(keras.Model(inputs, {"a": keras.layers.Dense(1)(hidden), "b": keras.layers.Dense(2)(hidden)}))
    with dx.DeepExplain(model, output="a") as de:
        rewritten = de.rewrite("guided_backprop")
        assert set(rewritten(X)) == {"a", "b"}
    for name, unit in (("a", 0), ("b", 1)):
        found = replaced_gradient(rewritten, X, lambda outputs, name=name, unit=unit: outputs[name][:, unit])
        expected = explain(model, "guided_backprop", X, target=unit, output=name).attributions
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_rewritten_model_inside_a_tf_function_and_under_xla():
    model = rectified()
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite("deeplift", np.full(4, 0.5))
    expected = replaced_gradient(rewritten, X, lambda outputs: outputs[:, 0])

    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = rewritten(x)[:, 0]
        return tape.gradient(value, x)

    for jit_compile in (False, True):
        found = tf.function(gradient, jit_compile=jit_compile)(tf.constant(X))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_rewritten_model_by_an_override_map():
    with dx.DeepExplain(rectified()) as de:
        by_map = de.rewrite({"Relu": times(3.0), "Tanh": times(5.0)})
        plain = de.rewrite({})
    np.testing.assert_allclose(by_map(X), rectified()(X), rtol=1e-5)
    first, _, second, _, third, bias = (np.asarray(array) for array in rectified().weights)
    del bias
    assert third.shape == (5, 3)
    found = replaced_gradient(by_map, X, lambda outputs: tf.math.log(outputs[:, 0] / outputs[:, 1]))
    expected = 15.0 * first @ second @ (third[:, 0] - third[:, 1])
    np.testing.assert_allclose(found, np.broadcast_to(expected, X.shape), rtol=1e-4)
    found = replaced_gradient(plain, X, lambda outputs: outputs[:, 0])
    np.testing.assert_allclose(
        found, replaced_gradient(rectified(), X, lambda outputs: outputs[:, 0]), rtol=1e-5, atol=1e-7
    )


def test_a_rewritten_model_lives_on_after_the_block_and_follows_training():
    model = mlp()
    with dx.DeepExplain(model) as de:
        rewritten = de.rewrite("guided_backprop")
    before = rewritten(X)
    for variable in model.trainable_variables:
        variable.assign(variable * 0.5)
    assert np.abs(rewritten(X) - before).max() > 1e-3
    np.testing.assert_allclose(rewritten(X), model(X), rtol=1e-5)


@pytest.mark.parametrize("baseline", [None, 0.5, np.full(4, 0.5), [np.full(4, 0.5)], np.full((1, 4), 0.5)])
def test_baselines_of_a_rewritten_model(baseline: Any):
    with dx.DeepExplain(mlp()) as de:
        rewritten = de.rewrite("deeplift", baseline)
    start = 0.0 if baseline is None else 0.5
    found = (X - start) * replaced_gradient(rewritten, X, lambda outputs: outputs[:, 1])
    at_start = mlp()(np.full((1, 4), start, np.float32))
    np.testing.assert_allclose(found.sum(1), mlp()(X)[:, 1] - at_start[:, 1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", EVALUATING)
def test_a_method_that_replaces_no_gradient_has_nothing_to_rewrite(method: str):
    with dx.DeepExplain(mlp()) as de, pytest.raises(OptionError, match=method):
        de.rewrite(method)
