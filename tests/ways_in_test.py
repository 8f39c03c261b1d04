"""One model through every way in: its attributions are the same."""

from collections.abc import Callable
import functools
import os
import pathlib
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import deepexplain_tf as dx
from tests.checks import explain
from tests.models import filled

METHODS: dict[str, dict[str, Any]] = {"deeplift": {}}  # with rules; files of TensorFlow 1 are explained without too
X = np.random.default_rng(0).normal(size=(3, 4, 3)).astype(np.float32)
SPEC = tf.TensorSpec([None, 4, 3], tf.float32, name="signal")


def attributions(model: Any, **settings: Any) -> dict[str, np.ndarray]:
    with dx.DeepExplain(model, **settings) as de:
        found = {name: de.explain(name, X, target=1, **options) for name, options in METHODS.items()}
    return {name: e.attributions for name, e in found.items()}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, wanted in expected.items():
        scale = np.abs(wanted).max()
        assert scale > 1e-3
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=1e-5 * scale, err_msg=name)


def network(library: Any) -> Any:
    """A convolution, a batch normalisation, an LSTM and a softmax, in Keras 3 or in tf_keras."""
    layers = library.layers
    inputs = library.Input((4, 3), name="signal")
    hidden = layers.LSTM(3)(layers.BatchNormalization()(layers.Conv1D(4, 2, activation="swish")(inputs)))
    return library.Model(inputs, layers.Dense(3, activation="softmax")(hidden))


@functools.cache
def model() -> keras.Model:
    return filled(network(keras))


@functools.cache
def expected() -> dict[str, np.ndarray]:
    return attributions(model())


class Served(tf.Module):
    """The model with two signatures, of which the second is another function."""

    def __init__(self) -> None:
        super().__init__()
        self.model = model()
        self.one = tf.function(lambda signal: self.model(signal, training=False), input_signature=[SPEC])
        self.other = tf.function(lambda signal: -(self.model(signal, training=False) ** 2), input_signature=[SPEC])

    def __call__(self, signal: tf.Tensor) -> tf.Tensor:
        return self.one(signal)


def _keras_file(folder: pathlib.Path) -> Any:
    model().save(folder / "net.keras")
    return folder / "net.keras"


def _h5_file(folder: pathlib.Path) -> Any:
    model().save(folder / "net.h5")
    return str(folder / "net.h5")


def _export(folder: pathlib.Path) -> Any:
    model().export(folder / "export", verbose=False)
    return folder / "export"


def _saved(folder: pathlib.Path) -> Any:
    served = Served()
    signatures = {"other": served.other.get_concrete_function(), "one": served.one.get_concrete_function()}
    tf.saved_model.save(served, folder / "saved", signatures=signatures)
    return folder / "saved"


def _graph_def(folder: pathlib.Path) -> tf.compat.v1.GraphDef:
    del folder
    frozen = convert_variables_to_constants_v2(Served().one.get_concrete_function(), lower_control_flow=False)
    return frozen.graph.as_graph_def()


def _pb_file(folder: pathlib.Path) -> Any:
    (folder / "net.pb").write_bytes(_graph_def(folder).SerializeToString())
    return folder / "net.pb"


WAYS: dict[str, tuple[Callable[[pathlib.Path], Any], dict[str, Any]]] = {
    "keras file": (_keras_file, {}),
    "h5 file": (_h5_file, {}),
    "export": (_export, {}),
    "saved, by signature": (_saved, {"signature": "one"}),
    "loaded": (lambda folder: tf.saved_model.load(str(_export(folder))), {}),
    "loaded, by signature": (lambda folder: tf.saved_model.load(str(_saved(folder))), {"signature": "one"}),
    "concrete function": (lambda folder: Served().one.get_concrete_function(), {}),
    "tf.function": (lambda folder: Served().one, {}),
    "tf.Module": (lambda folder: Served(), {}),
    "GraphDef": (_graph_def, {}),
    "pb file, by names": (_pb_file, {"output": "Identity", "input_signature": [SPEC]}),
}


# Each the way of two others, or one that tests/cli/model_test.py or tests/graph/sources takes too.
_AT_LENGTH = (
    *("tf.Module", "loaded, by signature", "saved, by signature"),
    *("h5 file", "keras file", "loaded", "pb file, by names", "tf.function", "concrete function"),
)


@pytest.mark.parametrize("way", [pytest.param(way, marks=[pytest.mark.long] * (way in _AT_LENGTH)) for way in WAYS])
def test_every_way_in_gives_the_same_attributions(way: str, tmp_path: pathlib.Path):
    make, settings = WAYS[way]
    assert_same(attributions(make(tmp_path), **settings), expected())


def test_another_signature_is_another_function(tmp_path: pathlib.Path):
    found = explain(_saved(tmp_path), "gradient_x_input", X, signature="other", target=1)
    np.testing.assert_allclose(found.outputs, -(model()(X).numpy()[:, 1] ** 2), rtol=1e-5)


# --- tf_keras ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def legacy() -> Any:
    return pytest.importorskip("tf_keras", reason="tf_keras is an extra of users with models of Keras 2")


@pytest.mark.parametrize("way", ["object", "net.keras", "net.h5", "folder"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")  # which is what is tested
def test_every_way_in_of_tf_keras(way: str, legacy: Any, tmp_path: pathlib.Path):
    """The same weights as those of the Keras 3 model."""
    net = network(legacy)
    for layer, modern in zip(net.layers, model().layers, strict=True):
        layer.set_weights(modern.get_weights())
    if way != "object":
        net.save(tmp_path / way)
    assert_same(attributions(net if way == "object" else tmp_path / way), expected())


# --- TensorFlow 1 -----------------------------------------------------------------------------------------

IMAGES = np.random.default_rng(1).normal(size=(2, 8, 8, 3)).astype(np.float32)


def _variable(name: str, *shape: int) -> Any:
    values = np.random.default_rng(len(name)).normal(0, 0.5, shape).astype(np.float32)
    return tf.compat.v1.get_variable(name, initializer=values, use_resource=False)


@functools.cache
def first_version(rank: bool = True, folder: str | None = None) -> tuple[tf.compat.v1.GraphDef, np.ndarray, np.ndarray]:
    """A classifier as DeepExplain's users have it; returns its graph, its logits and TensorFlow's gradient × input."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        images = v1.placeholder(tf.float32, [None, 8, 8, 3] if rank else None, name="images")
        keep = v1.placeholder_with_default(1.0, (), name="keep")
        hidden = v1.nn.conv2d(v1.reshape(images, [-1, 8, 8, 3]), _variable("kernel", 3, 3, 3, 4), padding="SAME")
        hidden = v1.nn.relu(v1.nn.bias_add(hidden, _variable("bias", 4)))
        scale, offset, mean = (_variable(name, 4) for name in ("scale", "offset", "mean"))
        variance = tf.abs(_variable("variance", 4)) + 0.5
        hidden = v1.nn.fused_batch_norm(hidden, scale, offset, mean, variance, is_training=False)[0]
        hidden = v1.reshape(v1.nn.max_pool(hidden, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), [-1, 64])
        hidden = v1.nn.dropout(hidden, rate=1.0 - keep)
        logits = v1.nn.xw_plus_b(hidden, _variable("weights", 64, 3), _variable("biases", 3), name="logits")
        probabilities = v1.nn.softmax(logits, name="probabilities")
        tf.argmax(probabilities, 1, name="predicted")
        session.run(v1.global_variables_initializer())
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["predicted"])
        if folder is not None:
            v1.saved_model.simple_save(session, folder, {"images": images}, {"probabilities": probabilities})
        gradient = tf.gradients(logits[:, 1], images)[0]
        values, slope = session.run([logits, gradient], {images: IMAGES})
    return frozen, values, IMAGES * slope


@pytest.mark.parametrize("output", ["auto", "probabilities", "logits", "logits:0"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the interface of TensorFlow 1 itself
def test_a_frozen_graph_of_tensorflow_1(output: str):
    graph, logits, expected = first_version()
    settings = {"output": output, "target": 1}
    e = explain(graph, "gradient_x_input", IMAGES, **settings)
    np.testing.assert_allclose(e.outputs, logits[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    complete = explain(graph, "deeplift", IMAGES, **settings)
    np.testing.assert_allclose(complete.completeness_gap, 0, atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("way", ["GraphDef", "folder"])
def test_shapes_that_a_file_leaves_open_are_given(way: str, tmp_path: pathlib.Path):
    graph, _, expected = first_version(rank=False, folder=str(tmp_path / "saved"))
    given, settings = (graph, {"output": "logits"}) if way == "GraphDef" else (tmp_path / "saved", {})
    with pytest.raises(dx.DeepExplainError, match=r"'images' <unknown>.*input_signature="):
        dx.DeepExplain(given, **settings)
    settings["input_signature"] = [tf.TensorSpec([None, 8, 8, 3], name="images")]
    found = explain(given, "gradient_x_input", IMAGES, target=1, **settings).attributions
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


# --- devices ----------------------------------------------------------------------------------------------

_TWO_DEVICES = """
import numpy as np
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import deepexplain_tf as dx

def model(first, second):
    with tf.device(first):
        kernel = tf.Variable(tf.reshape(tf.linspace(-1.0, 1.0, 20), [4, 5]))
    with tf.device(second):
        weights = tf.Variable(tf.reshape(tf.linspace(0.5, -1.0, 10), [5, 2]))
    def call(x):
        with tf.device(first):
            hidden = tf.tanh(x @ kernel + 0.25)
        with tf.device(second):
            return hidden @ weights - 1.0
    return call

x = np.linspace(-1, 2, 12, dtype=np.float32).reshape(3, 4)
for method in ("deeplift", "epsilon_lrp", "integrated_gradients", "occlusion"):
    found = []
    for second in ("CPU:0", "CPU:1"):
        with dx.DeepExplain(model("CPU:0", second)) as de:
            found.append(de.explain(method, x, target=1).attributions)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
    assert np.abs(found[0]).max() > 0.1
print("same")
"""


@pytest.mark.long  # a process of its own
def test_a_model_on_several_devices():
    """Logical devices are made before TensorFlow starts, so in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "-c", _TWO_DEVICES], env=environment, capture_output=True, text=True)
    assert run.stdout == "same\n", run.stderr


@pytest.mark.parametrize("device", ["/GPU:0", "/CPU:7", "/job:worker/replica:0/task:3/device:GPU:1"])
def test_a_graph_that_names_devices_of_another_machine(device: str):
    table = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
    with tf.Graph().as_default() as graph:
        inputs = tf.compat.v1.placeholder(tf.float32, [None, 4], name="inputs")
        with tf.device(device):
            tf.tanh(inputs @ table + 0.25)
    x = X[:, 0, :1] * np.ones(4, np.float32)
    e = explain(graph.as_graph_def(), "deeplift", x, target=2)
    np.testing.assert_allclose(e.outputs, np.tanh(x @ table + 0.25)[:, 2], rtol=1e-5)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-6)


# --- mixed precision --------------------------------------------------------------------------------------


def _mixed(policy: str) -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        made = network(keras)
    finally:
        keras.config.set_dtype_policy(before)
    return filled(made)


_MIXED_METHODS = {
    **METHODS,
    "gradient_x_input": {},
    "epsilon_lrp": {"epsilon": 0.1},
    "integrated_gradients": {"n_steps": 8},
}


@pytest.fixture(scope="module")
def in_float32() -> dict[str, Any]:
    with dx.DeepExplain(model(), output="model") as de:
        return {method: de.explain(method, X, target=1, **options) for method, options in _MIXED_METHODS.items()}


@pytest.mark.long  # tests/model_sources_test.py has smaller models of mixed precision
@pytest.mark.parametrize(("policy", "rounding"), [("mixed_float16", 2**-10), ("mixed_bfloat16", 2**-7)])
def test_mixed_precision(policy: str, rounding: float, in_float32: dict[str, Any]):
    """Layers round to 11 or 8 bits: attributions are those of float32, and add up, to some roundings."""
    mixed = _mixed(policy)
    assert mixed.dtype_policy.name == policy
    with dx.DeepExplain(mixed, output="model") as de:
        for method, options in _MIXED_METHODS.items():
            e, wanted = de.explain(method, X, target=1, **options), in_float32[method]
            assert e.attributions.dtype == np.float32
            scale = np.abs(wanted.attributions).max()
            np.testing.assert_allclose(e.attributions, wanted.attributions, rtol=0, atol=32 * rounding * scale)
            if method == "deeplift":
                size = np.abs(e.outputs) + 4 * np.abs(e.attributions).sum((1, 2))
                assert (np.abs(e.completeness_gap) <= rounding * size).all()
