"""Wrong inputs."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError
from tests.checks import EVALUATING, GENERAL, message_of
from tests.errors.refused import GRADIENT, X, refuses, refuses_untraced
from tests.models import Counted, filled, mlp

WRONG_SHAPES = {
    "a rank too low": X[0],
    "a rank too high": X[None],
    "too few features": X[:, :3],
    "too many features": np.ones((2, 5), np.float32),
    "a number": 3.0,
    "a NumPy number": np.float32(1),
}
NO_NUMBERS = {
    "strings": np.array([["a"] * 4]),
    "bytes": np.array([[b"a"] * 4]),
    "objects": np.array([[None] * 4]),
    "complex": X.astype(complex),
    "dates": np.array([["2020-01-01"] * 4], "datetime64[D]"),
    "records": np.zeros((2, 4), [("a", "f4")]),
    "a tensor of strings": tf.constant([["a"] * 4]),
    "a tensor of complex numbers": tf.complex(X, X),
}
NO_ARRAYS = {
    "None": None,
    "a string": "hello",
    "a set": {1, 2},
    "an iterator": iter(X),
    "a function": lambda: X,
    "a class": np.ndarray,
    "an object": object(),
    "a ragged tensor": tf.ragged.constant([[1.0, 2.0], [3.0]]),
    "a sparse tensor": tf.sparse.from_dense(X),
    "a Keras tensor": keras.KerasTensor((2, 4)),
    "lists of numbers": [[1.0, 2.0, 3.0, 4.0]],
    "a list of numbers": [1.0, 2.0, 3.0, 4.0],
    "a list in a list": [[X]],
    "no array": [],
    "a dict without arrays": {},
    "two arrays": [X, X],
}
NOT_FINITE = {"NaN": np.where(X > 0, np.nan, X), "Inf": X * np.inf, "a tensor with NaN": tf.constant(X * np.nan)}


@pytest.mark.parametrize("inputs", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_inputs_of_a_wrong_shape(inputs: Any):
    refuses(InputError, "features", "['batch', 4]", str(list(np.shape(inputs))), inputs=inputs)


@pytest.mark.parametrize("inputs", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_inputs_of_a_wrong_dtype(inputs: Any):
    refuses((InputError, TypeError), "features", "dtype", inputs=inputs)


@pytest.mark.parametrize("inputs", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_inputs_of_a_wrong_dtype_for_a_model_never_called(inputs: Any):
    refuses_untraced((InputError, TypeError), "input", "dtype", inputs=inputs)


@pytest.mark.parametrize("inputs", NO_ARRAYS.values(), ids=NO_ARRAYS)
def test_inputs_that_are_no_array(inputs: Any):
    message = refuses((InputError, TypeError), "input", inputs=inputs)
    assert "object" not in message or type(inputs).__name__ in message


@pytest.mark.parametrize("name", [name for name in NO_ARRAYS if name not in ("two arrays", "a list of numbers")])
def test_inputs_that_are_no_array_for_a_model_never_called(name: str):
    refuses_untraced((InputError, TypeError), "input", inputs=NO_ARRAYS[name])


@pytest.mark.parametrize("inputs", NOT_FINITE.values(), ids=NOT_FINITE)
def test_inputs_that_are_not_finite(inputs: Any):
    refuses(InputError, "features", "finite", "NaN or Inf", inputs=inputs)
    refuses_untraced(InputError, "finite", "NaN or Inf", inputs=inputs)


def test_inputs_beyond_the_range_of_the_model():
    refuses(InputError, "features", "float32", inputs=X.astype(np.float64) * 1e300)
    with dx.DeepExplain(mlp("float16")) as de:
        message_of(lambda: de.explain(GRADIENT, X * 1e6, target=0), InputError, "features", "float16")


def test_an_empty_batch():
    refuses(InputError, "at least one example", "empty", inputs=X[:0])
    refuses_untraced(InputError, "at least one example", "empty", inputs=X[:0])


def test_a_number_without_a_batch_for_a_model_never_called():
    refuses_untraced(InputError, "batch", inputs=np.float32(3))


TWO = [tf.TensorSpec([None, 4], name="left"), tf.TensorSpec([None, 2], name="right")]
_WRONG_STRUCTURES = {
    "one array": (X, ("2 arrays", "left", "right", "one array")),
    "one array in a list": ([X], ("2", "left", "right", "Got 1")),
    "three arrays": ([X, X[:, :2], X], ("2", "left", "right", "Got 3")),
    "a wrong key": ({"left": X, "rigth": X[:, :2]}, ("left", "right", "rigth", "closest: 'right'")),
    "a missing key": ({"left": X}, ("left", "right")),
    "a key too many": ({"left": X, "right": X[:, :2], "more": X}, ("left", "right", "more")),
    "unequal batches": ([X, np.ones((3, 2))], ("one batch", "[2, 3]")),
    "swapped": ([X[:, :2], X], ("left", "['batch', 4]", "[2, 2]")),
    "NaN in the second": ([X, X[:, :2] * np.nan], ("right", "finite")),
}


@pytest.mark.parametrize(("inputs", "words"), _WRONG_STRUCTURES.values(), ids=_WRONG_STRUCTURES)
def test_inputs_of_a_wrong_structure(inputs: Any, words: tuple[str, ...]):
    model = Counted(lambda left, right: tf.reduce_sum(tf.tanh(left), 1) + tf.reduce_sum(right**2, 1))
    with dx.DeepExplain(model, input_signature=TWO) as de:
        message_of(lambda: de.explain(GRADIENT, inputs), InputError, *words)
    assert model.runs == 1


def tokens() -> keras.Model:
    inputs = keras.Input((3,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(6, 4, name="embedding")(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(embedded))))


IDS = np.array([[1, 2, 3], [4, 0, 5]])


@pytest.mark.parametrize("method", [method for method in GENERAL if method not in EVALUATING])
def test_whole_numbers_are_explained_at_a_layer(method: str):
    with dx.DeepExplain(tokens()) as de:
        message_of(lambda: de.explain(method, IDS, target=0), InputError, "layer=", "embedding", "int32", "'tokens'")


def test_whole_numbers_of_a_plain_callable_are_named():
    table = tf.ones([6, 4])
    with dx.DeepExplain(lambda ids: tf.reduce_sum(tf.gather(table, ids), [1, 2])) as de:
        message = message_of(lambda: de.explain(GRADIENT, IDS), InputError, "layer=", "int64")
    assert "None" not in message


def test_fractions_for_whole_numbers():
    with dx.DeepExplain(tokens(), layer="embedding") as de:
        message_of(lambda: de.explain(GRADIENT, IDS + 0.5, target=0), InputError, "tokens", "whole", "int32")


def test_tokens_that_the_vocabulary_does_not_have():
    """Only the model can tell; what it says is wrapped."""
    with dx.DeepExplain(tokens(), layer="embedding") as de:
        message_of(lambda: de.explain(GRADIENT, IDS * 100, target=0), DeepExplainError, "6)")
