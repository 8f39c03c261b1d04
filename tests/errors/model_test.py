"""What is no model, and models that cannot be explained."""

import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, UnsupportedOpError
from tests.checks import explain, message_of
from tests.errors.refused import GRADIENT, METHODS, X
from tests.models import filled, mlp, perceptron, python_inside

_NO_MODELS = {
    "a number": 42,
    "None": None,
    "True": True,
    "an array": X,
    "a tensor": tf.constant(X),
    "a variable": tf.Variable(X),
    "a list": [1],
    "a dict": {},
    "an object": object(),
    "bytes": b"model.keras",
    "a model class": keras.Model,
    "a layer class": keras.layers.Dense,
    "a class": type("Net", (), {"__call__": lambda self, x: x}),
    "a module that is not called": tf.Module(),
    "an optimizer": keras.optimizers.Adam(),
    "a Keras tensor": keras.Input((3,)),
    "a Python module": dx,
}


@pytest.mark.parametrize("model", _NO_MODELS.values(), ids=_NO_MODELS)
def test_something_that_is_no_model(model: Any):
    message_of(lambda: dx.DeepExplain(model), TypeError, "model", "Keras", type(model).__name__)


@pytest.mark.parametrize("name", ["missing.keras", "missing.h5", "missing", ""])
def test_a_missing_file(name: str, tmp_path: pathlib.Path):
    path = str(tmp_path / name) if name else ""
    message_of(lambda: dx.DeepExplain(path), FileNotFoundError, repr(path))
    if name:
        message_of(lambda: dx.DeepExplain(tmp_path / name), FileNotFoundError, name)


@pytest.mark.parametrize("name", ["junk.keras", "junk.h5", "junk.txt", "empty.keras", "folder.keras", "folder"])
def test_a_file_that_is_no_model(name: str, tmp_path: pathlib.Path):
    path = tmp_path / name
    if name.startswith("folder"):
        path.mkdir()
    else:
        path.write_bytes(b"" if name.startswith("empty") else b"junk")
    message = message_of(lambda: dx.DeepExplain(path), ModelError, name)
    assert "not found: filepath" not in message  # it is there


def test_a_file_of_weights_is_no_model(tmp_path: pathlib.Path):
    mlp().save_weights(tmp_path / "net.weights.h5")
    message_of(lambda: dx.DeepExplain(tmp_path / "net.weights.h5"), ModelError, "net.weights.h5")


def _fails(*inputs: tf.Tensor) -> tf.Tensor:
    raise ValueError("no bananas left")


class Failing(keras.Model):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        raise ValueError("no bananas left")


@pytest.mark.parametrize("model", [_fails, tf.function(_fails), Failing()], ids=["function", "tf.function", "Keras"])
def test_a_model_whose_call_raises(model: Any):
    message = message_of(lambda: explain(model, GRADIENT, X), ModelError, "ValueError", "no bananas left")
    assert "ValueError: ValueError" not in message


_BAD_OUTPUTS = {
    "nothing": (lambda x: None, ModelError, ("none",)),
    "whole numbers": (lambda x: tf.argmax(x, 1), ModelError, ("float", "int64")),
    "conditions": (lambda x: x > 0, ModelError, ("float", "bool")),
    "strings": (tf.strings.as_string, ModelError, ("float", "string")),
    "a scalar": (lambda x: tf.reduce_sum(x), (InputError, ModelError), ("[batch, ...]",)),
    "a sum over the batch": (lambda x: tf.reduce_sum(x, 0), DeepExplainError, ("batch",)),
    "one example": (lambda x: tf.reduce_sum(x[:1], 1), DeepExplainError, ("batch",)),
    "one example of units": (lambda x: x[:1], DeepExplainError, ("batch",)),
    "a Python number": (lambda x: 3.0, DeepExplainError, ()),
    "an array": (lambda x: np.ones((2, 3), np.float32), DeepExplainError, ()),
    "takes nothing": (lambda: 1, ModelError, ("argument",)),
    "asks for NumPy": (lambda x: x.numpy(), ModelError, ("numpy",)),
}


@pytest.mark.parametrize(("model", "kind", "words"), _BAD_OUTPUTS.values(), ids=_BAD_OUTPUTS)
@pytest.mark.filterwarnings("ignore")  # AutoGraph cannot read lambdas that share a line
def test_a_model_whose_output_cannot_be_explained(model: Any, kind: Any, words: tuple[str, ...]):
    message_of(lambda: explain(model, GRADIENT, X, target=0), kind, *words)


@pytest.mark.parametrize("method", METHODS)
def test_python_inside_a_program_is_refused_by_name(method: str):
    with dx.DeepExplain(python_inside) as de:
        message_of(lambda: de.explain(method, X), UnsupportedOpError, "PyFunc", "'called'")
        assert de.explainer(method).n_traces == 0


def _matrix(x: tf.Tensor) -> tf.Tensor:
    return x[:, :, None] * x[:, None, :] + 10.0 * tf.eye(4)


def _in_a_loop(x: tf.Tensor) -> tf.Tensor:
    step = lambda i, x: (i + 1, x + tf.linalg.sqrtm(_matrix(x), name="best")[:, 0])  # noqa: E731
    return tf.while_loop(lambda i, x: i < 3, step, (0, x))[1][:, 0]


_UNCOVERED = {
    "MatrixSquareRoot": _in_a_loop,
    "Qr": lambda x: tf.linalg.qr(_matrix(x), name="best")[1][:, 0, 0],
    "SelfAdjointEigV2": lambda x: tf.linalg.eigh(_matrix(x), name="best")[1][:, 0, 0],
}


@pytest.mark.parametrize(("op", "model"), _UNCOVERED.items(), ids=_UNCOVERED)
def test_an_op_that_no_rule_covers_is_refused_by_name(op: str, model: Any):
    with dx.DeepExplain(model) as de:
        words = (op, "best", "kinds.py", "overrides=", "strict=False")
        message_of(lambda: de.explain("deeplift", X), UnsupportedOpError, *words)
        assert de.explainer("deeplift").n_traces == 0


def test_an_op_without_a_gradient_is_refused_by_name():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.image.adjust_saturation(x[:, None, None, :3], 0.5), [1, 2, 3])

    message_of(lambda: explain(model, GRADIENT, X), UnsupportedOpError, "AdjustSaturation")


def test_a_choice_that_depends_on_the_input_is_refused_by_name():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.gather(x, tf.argmax(x, 1), batch_dims=1, name="chosen")

    message_of(lambda: explain(model, "deeplift", X), UnsupportedOpError, "Gather", "index")


def test_a_batch_that_a_model_of_fixed_batch_size_cannot_take_inside_a_graph():
    inputs = keras.Input(batch_shape=(3, 4))
    with dx.DeepExplain(filled(keras.Model(inputs, keras.layers.Dense(2)(inputs)))) as de:
        explain = de.explainer(GRADIENT, target=0)
    inside = tf.function(lambda x: explain(x).attributions, autograph=False)
    message_of(lambda: inside(tf.constant(X)), InputError, "3", "2")


def test_inputs_of_unknown_rank_inside_a_graph():
    with dx.DeepExplain(perceptron()) as de:
        explain = de.explainer(GRADIENT, target=0)
    inside = tf.function(lambda x: explain(x).attributions, autograph=False)
    message_of(lambda: inside.get_concrete_function(tf.TensorSpec(None)), InputError, "input", "rank")


def test_keys_that_are_no_names():
    with dx.DeepExplain(lambda left, right: tf.reduce_sum(left * right, 1)) as de:
        for inputs in ({0: X, 1: X}, {0: X, "right": X}):
            message_of(lambda inputs=inputs: de.explain(GRADIENT, inputs), DeepExplainError, "key")


@pytest.mark.parametrize("target", [None, 0])
def test_an_output_without_units(target: Any):
    message_of(lambda: explain(lambda x: x[:, :0] * 2.0, GRADIENT, X, target=target), DeepExplainError, "0")


def test_functions_that_run_eagerly():
    """A switch for debugging, with which no program can be made."""
    model = mlp()
    tf.config.run_functions_eagerly(True)
    try:
        message_of(lambda: explain(model, GRADIENT, X, target=0), DeepExplainError, "run_functions_eagerly")
    finally:
        tf.config.run_functions_eagerly(False)
