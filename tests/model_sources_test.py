"""What `DeepExplain` takes for a model, and what `input_signature=` says of it."""

import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, options_of
from tests.models import filled, mlp, perceptron, weight

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def gradient(model: Any, **settings: Any) -> np.ndarray:
    return explain(model, "saliency", X, target=1, signed=True, **settings).attributions


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_a_file_of_a_keras_model(name: str, tmp_path: pathlib.Path):
    model = mlp()
    model.save(tmp_path / name)
    expected = explain(model, "deeplift", X, target=1)
    for path in (tmp_path / name, str(tmp_path / name)):
        assert explain(path, "deeplift", X, target=1) == expected
    hidden = explain(tmp_path / name, "deeplift", X, target=1, layer="hidden")
    np.testing.assert_array_equal(
        hidden.attributions, explain(model, "deeplift", X, target=1, layer="hidden").attributions
    )


def test_a_folder_of_a_saved_model(tmp_path: pathlib.Path):
    model = mlp()
    model.export(tmp_path / "saved", verbose=False)
    expected = explain(model, "deeplift", X, target=1)
    found = explain(tmp_path / "saved", "deeplift", X, target=1)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-5, atol=1e-7)


def test_a_single_layer_is_a_model():
    layer = keras.layers.Dense(2)
    layer.build((None, 4))
    layer.bias.assign([0.5, -0.5])
    e = explain(layer, "gradient_x_input", X, target=1)
    np.testing.assert_allclose(e.attributions, X * np.asarray(layer.kernel)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.outputs, layer(X)[:, 1], rtol=1e-5)


def test_a_concrete_function_is_a_model():
    model = perceptron()
    function = tf.function(model).get_concrete_function(tf.TensorSpec([None, 4]))
    np.testing.assert_array_equal(gradient(function), gradient(model))


def test_a_layer_that_behaves_otherwise_in_training_is_explained_as_in_inference():
    layers = keras.layers
    model = filled(
        keras.Sequential([keras.Input((4,)), layers.Dropout(0.9), layers.BatchNormalization(), layers.Dense(2)])
    )
    e = explain(model, "gradient_x_input", X, target=1)
    np.testing.assert_allclose(e.outputs, model(X, training=False)[:, 1], rtol=1e-5)


_OTHERS = ("gradient_x_input", "occlusion")  # no rules, and no gradients


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    "method", ["deeplift", "integrated_gradients", *(pytest.param(m, marks=pytest.mark.long) for m in _OTHERS)]
)
def test_a_model_of_mixed_precision(policy: str, method: str):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="tanh", dtype=keras.DTypePolicy(policy))(inputs)
    outputs = keras.layers.Dense(3, activation="softmax", dtype=keras.DTypePolicy(policy))(hidden)
    models = filled(keras.Model(inputs, outputs)), mlp()
    e, expected = (explain(model, method, X, target=1, **options_of(method, X)) for model in models)
    assert e.attributions.dtype == np.float32
    tolerance = 1e-2 if policy == "mixed_float16" else 1e-1
    largest = np.abs(expected.attributions).max()
    np.testing.assert_allclose(e.attributions, expected.attributions, rtol=0, atol=tolerance * largest)


# --- input_signature= -------------------------------------------------------------------------------------


def test_an_input_signature_fixes_shapes_dtypes_and_names():
    table = weight(4, 2, dtype=tf.float64)
    model = lambda x, y: tf.reduce_sum(tf.matmul(x, table) * y, 1)  # noqa: E731
    signature = [tf.TensorSpec([None, 4], tf.float64, "x"), tf.TensorSpec([None, 2], tf.float64, "y")]
    with dx.DeepExplain(model, input_signature=signature) as de:
        e = de.explain("deeplift", {"y": X[:, :2], "x": X})
    assert list(e.attributions) == ["y", "x"]
    assert e.attributions["x"].dtype == np.float64
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


@pytest.mark.parametrize(
    "signature", [tf.TensorSpec([None, 4]), [tf.TensorSpec([None, 4])], (tf.TensorSpec([None, 4]),)]
)
def test_an_input_signature_of_one_input(signature: Any):
    np.testing.assert_array_equal(gradient(perceptron(), input_signature=signature), gradient(perceptron()))


def test_an_input_signature_with_keywords():
    model = lambda left, right: tf.reduce_sum(left, 1) * tf.reduce_sum(right, 1)  # noqa: E731
    signature = {"right": tf.TensorSpec([None, 2]), "left": tf.TensorSpec([None, 4])}
    with dx.DeepExplain(model, input_signature=signature) as de:
        e = de.explain("gradient_x_input", {"left": X, "right": X[:, :2]})
    np.testing.assert_allclose(e.attributions["left"], X * X[:, :2].sum(1, keepdims=True), rtol=1e-5)


def test_an_input_signature_with_a_fixed_batch():
    expected = gradient(perceptron())
    kernel = perceptron()
    fixed = lambda x: kernel(tf.ensure_shape(x, [2, 4]))  # noqa: E731
    found = gradient(fixed, input_signature=[tf.TensorSpec([2, 4])])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_an_input_signature_with_open_axes():
    """Sequences of another length are another call of the same trace."""
    model = lambda x: tf.reduce_sum(tf.tanh(x), [1, 2])  # noqa: E731
    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, None, 2])]) as de:
        explainer = de.explainer("deeplift")
        for length in (1, 3, 5):
            x = np.ones((2, length, 2), np.float32)
            np.testing.assert_allclose(explainer(x).attributions, np.tanh(x), rtol=1e-5)
    assert explainer.n_traces == 1
