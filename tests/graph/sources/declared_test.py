"""What users declare about a model that they pass: names of a graph's inputs, objects of a file; and training=True."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, ModelError, OptionError, UnknownNameError

L = keras.layers
X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
W = np.random.default_rng(1).normal(size=(3, 2)).astype("float32")


def graph_def() -> tf.compat.v1.GraphDef:
    with tf.Graph().as_default() as graph:
        left, right = (tf.compat.v1.placeholder(tf.float32, [None, 3], name=name) for name in ("left", "right"))
        tf.identity(tf.tanh(left @ W) * tf.sigmoid(right @ W), name="product")
    return graph.as_graph_def()


@pytest.mark.parametrize(
    "names", [["left:0", "right:0"], ["left", "right"], ("left", "right:0"), {"a": "left", "b": "right"}]
)
def test_names_of_a_graphs_inputs(names: Any):
    specs = [tf.TensorSpec([None, 3], tf.float32, name) for name in ("left", "right")]
    found = []
    for signature in (names, specs):
        with dx.DeepExplain(graph_def(), input_signature=signature) as de:
            found.append(de.explain("gradient_x_input", [X, X + 1], target=0).attributions)
    np.testing.assert_array_equal(*found)


def test_one_name_cuts_the_graph_there():
    with tf.Graph().as_default() as graph:
        inputs = tf.compat.v1.placeholder(tf.float32, [None, 3], name="inputs")
        tf.tanh(tf.identity(inputs @ W, name="hidden"), name="end")
    with dx.DeepExplain(graph.as_graph_def(), input_signature="hidden:0") as de:
        e = de.explain("saliency", X[:, :2], target=1, signed=True)
    np.testing.assert_allclose(e.attributions[:, 1], 1 - np.tanh(X[:, 1]) ** 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("signature", "error"),
    [(["lefd:0", "right:0"], UnknownNameError), ([3], TypeError), ([None], TypeError), (["left", 2.0], TypeError)],
)
def test_names_that_are_none(signature: Any, error: type[Exception]):
    with pytest.raises(error, match=r"no tensor 'lefd:0'|input_signature must be"):
        dx.DeepExplain(graph_def(), input_signature=signature)


@pytest.mark.parametrize(
    "model", [lambda x: x, tf.function(lambda x: x), keras.Sequential([keras.Input((3,)), L.Dense(2)])]
)
def test_names_are_for_graphs_alone(model: Any):
    with pytest.raises(TypeError, match="input_signature must be a list"):
        dx.DeepExplain(model, input_signature=["x:0"])


class Squashed(L.Layer):
    """A layer of a user."""

    def call(self, x: Any) -> Any:
        return tf.tanh(2 * x)


def steep(x: Any) -> Any:
    return tf.tanh(3 * x)


BUILDS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "layer": (Squashed, {"Squashed": Squashed}),
    "activation": (lambda: L.Dense(3, activation=steep), {"steep": steep}),
    "nested": (lambda: keras.Sequential([keras.Input((3,)), Squashed()]), {"Squashed": Squashed}),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", BUILDS)
def test_files_with_objects_of_users(name: str, suffix: str, tmp_path: Any):
    build, objects = BUILDS[name]
    model = keras.Sequential([keras.Input((3,)), build(), L.Dense(2)])
    path = str(tmp_path / f"net{suffix}")
    model.save(path)
    with dx.DeepExplain(model) as de:
        wanted = de.explain("deeplift", X, target=0).attributions
    with dx.DeepExplain(path, custom_objects=objects) as de:
        np.testing.assert_array_equal(de.explain("deeplift", X, target=0).attributions, wanted)
    with pytest.raises(ModelError):
        dx.DeepExplain(path)


@pytest.mark.parametrize(
    ("model", "objects", "error"),
    [
        ("net.keras", ["Squashed"], TypeError),
        ("net.keras", {"Squashed": "code"}, TypeError),
        ("net.pb", {"Squashed": Squashed}, OptionError),
        (lambda x: x, {"Squashed": Squashed}, OptionError),
    ],
)
def test_custom_objects_of_another_kind(model: Any, objects: Any, error: type[Exception], tmp_path: Any):
    if isinstance(model, str):
        model = str(tmp_path / model)
        open(model, "wb").close()
    with pytest.raises(error, match="custom_objects") as found:
        dx.DeepExplain(model, custom_objects=objects)
    assert error is TypeError or isinstance(found.value, DeepExplainError)


@pytest.mark.parametrize(
    "layer", [L.Dropout(0.5, name="on"), L.GaussianNoise(0.5, name="on"), L.BatchNormalization(name="on")]
)
@pytest.mark.parametrize("nested", [False, True])
def test_layers_that_train_are_explained_as_predict_runs_them(layer: L.Layer, nested: bool):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, L.Dense(2)(layer(inputs, training=True)))
    if nested:
        outer = keras.Input((3,))
        model = keras.Model(outer, model(outer))
    with dx.DeepExplain(model) as de:
        e = de.explain("saliency", X, target=0)
    np.testing.assert_allclose(e.outputs, model.predict(X, verbose=0)[:, 0], rtol=1e-6)
    (note,) = [note for note in e.notes if "training" in note]
    assert "'on' had training=True" in note
