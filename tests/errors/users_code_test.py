"""What fails in the user's own code is told as the target's, the model's or the function's, with the line."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, ModelError, TargetError, UnsupportedOpError
from tests.checks import explain
from tests.errors.printed import place_in, printed
from tests.errors.refused import GRADIENT, PATH, X
from tests.models import filled, mlp


def failing_target(outputs: tf.Tensor) -> tf.Tensor:
    return {"logits": outputs}["logit"]


def narrow_target(outputs: tf.Tensor) -> tf.Tensor:
    return tf.matmul(outputs, tf.ones([7, 1]))[:, 0]


def far_target(outputs: tf.Tensor) -> tf.Tensor:
    return tf.gather(outputs, tf.fill([tf.shape(outputs)[0]], 100), batch_dims=1)


def fragile_target(outputs: tf.Tensor) -> tf.Tensor:
    """Runs on the outputs for the inputs, and not on all between them and the baseline."""
    unit = tf.cast(tf.abs(outputs[:, 0]) < 1e-3, tf.int32) * 100
    return tf.gather(outputs, unit, batch_dims=1)


class Failing(keras.Model):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return {"features": inputs}["feature"]


class Narrow(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.matmul(self.dense(inputs), tf.ones([5, 2]))


class Module(tf.Module):
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return undefined(x)  # noqa: F821


def eager_only(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.constant(x.numpy()), 1)


def narrow_function(x: tf.Tensor) -> tf.Tensor:
    return tf.matmul(x, tf.ones([7, 2]))


def of_three(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.reshape(x, [-1, 3]), 1)


def looked_up(ids: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.gather(tf.ones([6, 4]), ids), [1, 2])


def divided(x: np.ndarray) -> Any:
    return 1 / 0


def of_a_wrong_key(x: np.ndarray) -> Any:
    return {"a": x}["b"]


def of_far_units(x: tf.Tensor) -> tf.Tensor:
    return tf.gather(x, tf.fill([tf.shape(x)[0]], 100), batch_dims=1)


@tf.custom_gradient
def with_a_failing_gradient(x: tf.Tensor):
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        return {"upstream": upstream}["downstream"]

    return tf.tanh(x), gradient


IDS = np.array([[1, 2, 3], [4, 0, 99]])
TARGETS = (
    (failing_target, "KeyError: 'logit'", '["logit"]'),
    (narrow_target, "ValueError: Dimensions must be equal, but are 3 and 7 for MatMul", "tf.matmul"),
)
MODELS = (
    (Failing, "its own call fails too. Got: KeyError: feature", '["feature"]'),
    (Narrow, "its own call fails too. Got: ValueError: Dimensions must be equal, but are 3 and 5", "tf.matmul"),
    (Module, "its own call fails too. Got: NameError: name 'undefined'", "undefined(x)"),
    (lambda: narrow_function, "its own call fails too. Got: ValueError", "tf.matmul"),
    (lambda: eager_only, "must run in a graph, as inside a tf.function; its own call runs without one", "x.numpy()"),
)
FUNCTIONS = (
    (divided, "ZeroDivisionError: division by zero", "1 / 0"),
    (of_a_wrong_key, "KeyError: 'b'", '["b"]'),
    (narrow_function, "Matrix size-incompatible: In[0]: [2,4], In[1]: [7,2] (MatMul)", "tf.matmul"),
    (of_far_units, "indices[0] = 100 is not in [0, 4)", "tf.gather"),
)


@pytest.mark.parametrize(("target", "cause", "line"), TARGETS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_target_that_fails_is_named_with_its_line(target: Any, cause: str, line: str):
    message = printed(lambda: explain(mlp(), GRADIENT, X, target=target), TargetError)
    assert message.startswith(f"the target {target.__name__!r} must run on the outputs. Got: {cause}")
    assert line in place_in(message)


def test_a_target_without_a_name_is_told_by_its_line():
    target = lambda outputs: undefined  # noqa: E731, F821
    message = printed(lambda: explain(mlp(), GRADIENT, X, target=target), TargetError)
    assert f"target '<lambda>' at line {target.__code__.co_firstlineno} of users_code_test.py must" in message
    assert "NameError" in message


@pytest.mark.parametrize("method", [GRADIENT, PATH, "occlusion"])
def test_a_target_that_fails_in_the_graph_is_named(method: str):
    message = printed(lambda: explain(mlp(), method, X, target=far_target), TargetError)
    assert "the target 'far_target' must run on the outputs. Got: InvalidArgumentError: indices[0] = 100" in message


def test_a_target_that_fails_elsewhere_only_is_named():
    message = printed(lambda: explain(lambda x: x * 2.0, "occlusion", X + 5.0, target=fragile_target), TargetError)
    assert "the target 'fragile_target' must run wherever the method evaluates the model" in message


def test_a_target_of_another_shape_is_named():
    whole = lambda outputs: outputs  # noqa: E731
    whole.__name__ = "whole"
    message = printed(lambda: explain(mlp(), GRADIENT, X, target=whole), TargetError)
    assert "the target 'whole' must return one float tensor [batch]" in message


@pytest.mark.parametrize(("model", "cause", "line"), MODELS, ids=[make().__class__.__name__ for make, *_ in MODELS])
def test_a_model_that_fails_is_told_with_its_line(model: Any, cause: str, line: str):
    message = printed(lambda: explain(model(), GRADIENT, X), ModelError)
    assert cause in message
    assert line in place_in(message)


class Counting(tf.Module):
    def __init__(self):
        super().__init__()
        self.count = tf.Variable(0)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self.count.assign_add(1)
        raise ValueError("no bananas left")


class CountingLayer(keras.Model):
    def __init__(self):
        super().__init__()
        self.count = self.add_weight(shape=(), initializer="zeros", dtype="int32", trainable=False)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        self.count.assign_add(1)
        raise ValueError("no bananas left")


@pytest.mark.parametrize("kind", [Counting, CountingLayer])
def test_variables_keep_their_values_when_a_model_fails(kind: Any):
    model = kind()
    printed(lambda: explain(model, GRADIENT, X), ModelError)
    assert int(model.count.numpy()) == 0


def test_a_model_whose_own_call_takes_another_structure_is_told_with_its_line():
    def model(x: tf.Tensor) -> tf.Tensor:
        return {"x": x}["y"]

    signature = [tf.TensorSpec([None, 4])]
    message = printed(lambda: explain(model, GRADIENT, [X], input_signature=signature), ModelError)
    assert "must be traceable with these inputs. Got: KeyError: 'y'" in message
    assert '["y"]' in place_in(message)


def test_a_model_that_takes_no_such_inputs_is_told_with_its_line():
    message = printed(lambda: explain(of_three, GRADIENT, X), InputError)
    assert (
        "must run on this batch of inputs, and its own call fails too. Got: InvalidArgumentError: Input to" in message
    )
    assert "tf.reshape" in place_in(message)


@pytest.mark.parametrize("method", ["occlusion", "shapley_sampling"])
def test_one_token_beyond_the_vocabulary_is_told_by_its_example(method: str):
    message = printed(lambda: explain(looked_up, method, IDS), InputError)
    assert "its own call fails too. Got, for example 1: InvalidArgumentError: indices[0,2] = 99 is not in" in message
    assert "tf.gather" in place_in(message)


@pytest.mark.parametrize("target", [None, 0])
def test_a_token_beyond_the_vocabulary_of_an_embedding(target: Any):
    inputs = keras.Input((3,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(6, 4, name="embedding")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(embedded))))
    message = printed(lambda: explain(model, GRADIENT, IDS, layer="embedding", target=target), InputError)
    assert "its own call fails too" in message
    assert "99 is not in [0, 6)" in message


@pytest.mark.parametrize(("fn", "cause", "line"), FUNCTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_function_of_a_metric_that_fails_is_told_with_its_line(fn: Any, cause: str, line: str):
    message = printed(lambda: dx.metrics.sensitivity_n(fn, X, X), InputError)
    assert cause in message
    assert line in place_in(message)


def test_a_custom_gradient_that_fails_is_told_with_its_line():
    model = lambda x: tf.reduce_sum(with_a_failing_gradient(x), 1)  # noqa: E731
    message = printed(lambda: explain(model, GRADIENT, X), UnsupportedOpError)
    assert "KeyError: 'downstream'" in message
    assert '["downstream"]' in place_in(message)
