"""What Python prints for wrong inputs, ops that XLA or TensorFlow lack, and broken files; and how it is kept so."""

import ast
import pathlib
from typing import Any
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, ModelError, UnsupportedOpError, brief
from tests.checks import explain
from tests.errors.printed import printed
from tests.errors.refused import GRADIENT, PATH, X
from tests.models import filled, mlp


class Failing(keras.Model):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return {"features": inputs}["feature"]


def failing_target(outputs: tf.Tensor) -> tf.Tensor:
    return {"logits": outputs}["logit"]


def far_target(outputs: tf.Tensor) -> tf.Tensor:
    return tf.gather(outputs, tf.fill([tf.shape(outputs)[0]], 100), batch_dims=1)


# --- inputs -----------------------------------------------------------------------------------------------

INPUTS = {
    "dtype": (X.astype(complex), "input 'features' must have a real dtype. Got complex128."),
    "rank": (X[0], "input 'features' must have shape ['batch', 4]. Got shape [4]."),
    "size": (X[:, :3], "input 'features' must have shape ['batch', 4]. Got shape [2, 3]."),
    "NaN": (X * np.nan, "input 'features' must be finite. Got NaN or Inf."),
    "strings": (np.array([["a"] * 4]), "input 'features' must be numbers of the dtype float32. Got strings."),
    "bytes": (np.array([[b"a"] * 4]), "input 'features' must be numbers of the dtype float32. Got strings."),
    "string objects": (
        np.array([["a"] * 4], object),
        "input 'features' must be numbers of the dtype float32. Got strings.",
    ),
    "a string tensor": (
        tf.constant([["a"] * 4]),
        "input 'features' must be numbers of the dtype float32. Got strings.",
    ),
}


@pytest.mark.parametrize(("inputs", "beginning"), INPUTS.values(), ids=INPUTS)
def test_inputs_are_told_by_name(inputs: Any, beginning: str):
    message = printed(lambda: explain(mlp(), GRADIENT, inputs, target=0), InputError)
    assert message.startswith(beginning)


def text_layers() -> list[Any]:
    vectorise = keras.layers.TextVectorization(vocabulary=["a", "b", "c"], output_sequence_length=3)
    return [vectorise, keras.layers.Embedding(5, 4, name="embedding"), keras.layers.Flatten(), keras.layers.Dense(2)]


@pytest.mark.parametrize(
    ("method", "inputs", "words"),
    [
        (
            GRADIENT,
            np.array([["a b"], ["c a"]], object),
            "Got string for 'words'; name the layer behind it with layer=",
        ),
        (GRADIENT, X[:, :1], "input 'words' must be strings. Got float32."),
        ("occlusion", X[:, :1], "input 'words' must be strings. Got float32."),
    ],
)
def test_a_model_of_texts_says_what_is_possible(method: str, inputs: Any, words: str):
    model = keras.Sequential([keras.Input((1,), dtype="string", name="words"), *text_layers()])
    assert words in printed(lambda: explain(model, method, inputs, target=0), InputError)


@pytest.mark.parametrize(("method", "settings"), [(GRADIENT, {"layer": "embedding"}), ("occlusion", {})])
def test_what_a_model_of_texts_is_told_to_do_works(method: str, settings: Any):
    vectorise, *behind = text_layers()
    tokens = vectorise(np.array(["a b", "c a"]))
    model = filled(keras.Sequential([keras.Input((3,), dtype="int64"), *behind]))
    found = explain(model, method, tokens, target=0, **settings)
    assert np.isfinite(found.attributions).all()


# --- what TensorFlow and XLA cannot do --------------------------------------------------------------------


def determinant(x: tf.Tensor) -> tf.Tensor:
    return tf.linalg.det(x[:, :, None] * x[:, None, :] + 10.0 * tf.eye(4))


@pytest.mark.parametrize("method", [GRADIENT, PATH])
def test_an_op_that_xla_lacks_is_named(method: str):
    message = printed(lambda: explain(determinant, method, X, jit_compile=True), ModelError)
    assert message.startswith("XLA must be able to compile every op of the program. Got MatrixDeterminant, for which")
    assert "jit_compile='auto' or False runs it without XLA" in message


@pytest.mark.parametrize("possible", ["auto", False])
def test_an_op_that_xla_lacks_runs_without_it(possible: Any):
    assert np.isfinite(explain(determinant, GRADIENT, X, jit_compile=possible).attributions).all()


def test_an_op_that_xla_lacks_is_named_where_a_class_is_predicted():
    model = lambda x: tf.stack([determinant(x), 2.0 * determinant(x)], 1)  # noqa: E731
    message = printed(lambda: explain(model, GRADIENT, X, jit_compile=True), ModelError)
    assert "Got MatrixDeterminant" in message


def test_a_shape_that_xla_cannot_know_is_named():
    def model(x: tf.Tensor) -> tf.Tensor:
        width = 4 + tf.cast(tf.reduce_sum(x) * 0.0, tf.int32)
        return tf.reduce_sum(tf.reshape(x, [tf.shape(x)[0], width]), 1)

    message = printed(lambda: explain(model, PATH, X, jit_compile=True), ModelError)
    assert "with op Reshape must be a compile-time constant; jit_compile='auto' or False" in message


def test_an_op_without_a_gradient_is_named():
    model = lambda x: tf.image.adjust_saturation(x[:, None, None, :3], 0.5)[:, 0, 0, 0]  # noqa: E731
    message = printed(lambda: explain(model, GRADIENT, X), UnsupportedOpError)
    assert "AdjustSaturation" in message


def test_a_gradient_of_another_shape_is_told():
    @tf.custom_gradient
    def cut(x: tf.Tensor):
        return tf.tanh(x), lambda upstream: upstream[:, :2]

    message = printed(lambda: explain(lambda x: tf.reduce_sum(cut(x), 1), GRADIENT, X), ModelError)
    assert "Incompatible shapes" in message


# --- files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["net.keras", "net.h5", "net.pb", "saved/saved_model.pb"])
def test_a_broken_file_is_named(name: str, tmp_path: pathlib.Path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".keras":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
    else:
        path.write_bytes(b"junk")
    model = path if path.parent == tmp_path else path.parent
    message = printed(lambda: dx.DeepExplain(model), ModelError)
    assert message.startswith(f"{model.name!r} must hold a model. Got: ")
    assert "File " not in message  # no line of the user's is to blame


def test_a_broken_explanation_is_named(tmp_path: pathlib.Path):
    (tmp_path / "why.npz").write_bytes(b"junk")
    assert "why.npz" in printed(lambda: dx.load(tmp_path / "why.npz"), InputError)


# --- how it is kept so ------------------------------------------------------------------------------------


def test_the_failure_itself_is_kept_for_a_debugger():
    for action, kind in (
        (lambda: explain(Failing(), GRADIENT, X), KeyError),
        (lambda: explain(mlp(), GRADIENT, X, target=failing_target), KeyError),
        (lambda: explain(mlp(), GRADIENT, X, target=far_target), tf.errors.InvalidArgumentError),
        (lambda: explain(determinant, GRADIENT, X, jit_compile=True), tf.errors.InvalidArgumentError),
    ):
        with pytest.raises(DeepExplainError) as caught:
            action()
        assert isinstance(caught.value.__context__, kind)
        assert caught.value.__suppress_context__


def test_no_error_is_raised_with_a_traceback_before_it():
    package = pathlib.Path(dx.__file__).parent
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        handled = [
            node for handler in ast.walk(tree) if isinstance(handler, ast.ExceptHandler) for node in ast.walk(handler)
        ]
        raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
        chained = [node.cause for node in raised if node.cause] + [
            node.cause for node in handled if isinstance(node, ast.Raise) and node.exc is not None
        ]
        for cause in chained:
            hidden = isinstance(cause, ast.Constant) and cause.value is None
            assert hidden, f"{path.relative_to(package)}: raise from None, and tell the cause by errors.brief"


def test_what_tensorflow_writes_around_a_message_is_left_out():
    text = (
        "{{function_node __wrapped__X}} Bad \x1b[1mshape\x1b[0m for '{{node a/B}} = B[T=DT_FLOAT](c, d)' [Op:B] name: "
    )
    assert brief(ValueError(text)) == "ValueError: Bad shape for B (B)"
    assert brief(ValueError("short")) == "ValueError: short"
    assert brief(KeyError("name")) == "KeyError: 'name'"
    assert len(brief(ValueError("long " * 1000))) < 300
