"""Everything that counts as a model: files without code, graphs without gradients, names and shapes."""

import collections
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
from deepexplain_tf.errors import ModelError, UnknownNameError, UnsupportedOpError
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.methods.make import make
from tests.checks import FITTED, GENERAL, each_of, explain
from tests.models import filled, weight

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SPEC = tf.TensorSpec([None, 4], tf.float32, name="x")
TABLE = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)


def saved(function: Any, folder: pathlib.Path, **options: Any) -> pathlib.Path:
    module = tf.Module()
    module.function = tf.function(function, input_signature=[SPEC])
    tf.saved_model.save(module, folder, module.function, tf.saved_model.SaveOptions(**options))
    return folder


# --- code in files ----------------------------------------------------------------------------------------


def _with_code(library: Any) -> Any:
    """Its Lambda layer leaves a file behind wherever it runs."""
    inputs = library.Input((4,))
    marked = library.layers.Lambda(
        lambda v: (__import__("pathlib").Path(__import__("os").environ["IT_RAN"]).touch(), v * 2.0)[1]
    )(inputs)
    return library.Model(inputs, library.layers.Dense(1)(marked))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_code_in_a_file_is_not_run(library: str, name: str, tmp_path: pathlib.Path, monkeypatch: Any):
    package = pytest.importorskip(library, reason="tf_keras is an extra of users with models of Keras 2")
    mark = tmp_path / "it_ran"
    monkeypatch.setenv("IT_RAN", str(mark))
    _with_code(package).save(tmp_path / name)
    mark.unlink(missing_ok=True)
    with pytest.raises(ModelError, match=rf"{name}.*Lambda layer.*safe_mode=False") as caught:
        explain(tmp_path / name, "saliency", X)
    assert len(str(caught.value)) <= 500
    assert not mark.exists()
    explain(package.models.load_model(tmp_path / name, safe_mode=False), "saliency", X)  # what the message says


def test_a_source_stays_as_it_is_and_knows_its_file(tmp_path: pathlib.Path):
    source = source_of(str(saved(tf.tanh, tmp_path / "saved")))
    assert source_of(source) is source
    assert source.path == str(tmp_path / "saved")
    assert source_of(tf.tanh).path is None


# --- graphs that only run forward --------------------------------------------------------------------------


def _prevented(x: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.PreventGradient(input=tf.tanh(x), message="exported without gradients") @ TABLE


@tf.custom_gradient
def _refusing(x: tf.Tensor) -> Any:
    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        raise RuntimeError("no way back")

    return tf.tanh(x), gradient


def _forward_only(kind: str, folder: pathlib.Path) -> Any:
    return saved(_prevented, folder) if kind == "saved" else lambda x: _refusing(x) @ TABLE


@each_of(GENERAL, ("deeplift", "occlusion", "shapley_sampling"))
@pytest.mark.parametrize("kind", ["saved", "callable"])
def test_a_model_that_only_runs_forward(kind: str, method: str, tmp_path: pathlib.Path):
    model = _forward_only(kind, tmp_path / "saved")
    if make(method, {}).differentiates:
        with pytest.raises(UnsupportedOpError, match=r"PreventGradient.*forward only.*occlusion and shapley_sampling"):
            explain(model, method, X, target=1)
        with pytest.raises(UnsupportedOpError, match="forward only"):
            explain(model, method, X, target=1, strict=False)
    else:
        e = explain(model, method, X, target=1)
        assert np.isfinite(e.attributions).all()
        if method not in FITTED:
            np.testing.assert_allclose(e.attributions, np.tanh(X) * TABLE[:, 1], rtol=1e-4, atol=1e-6)


def test_a_rule_of_the_users_serves_an_op_without_gradient():
    @tf.custom_gradient
    def through(x: tf.Tensor) -> Any:
        return tf.identity(x), lambda upstream: upstream

    e = explain(
        _prevented, "saliency", X, signed=True, target=1, overrides={"PreventGradient": lambda op, z: through(z[0])}
    )
    np.testing.assert_allclose(e.attributions, (1 - np.tanh(X) ** 2) * TABLE[:, 1], rtol=1e-5)


# --- gradients that a file has lost -------------------------------------------------------------------------

_WITHOUT_GRADIENTS = """
import sys
import tensorflow as tf

@tf.custom_gradient
def doubled(x):
    return tf.tanh(x), lambda upstream: 2.0 * upstream

module = tf.Module()
module.function = tf.function(doubled, input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
for kept in (True, False):
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=kept)
    tf.saved_model.save(module, f"{sys.argv[1]}/{kept}", module.function, options)
graph = module.function.get_concrete_function().graph.as_graph_def()
open(f"{sys.argv[1]}/net.pb", "wb").write(graph.SerializeToString())
"""


@pytest.mark.long  # a process of its own
def test_a_gradient_that_a_file_only_names_is_not_looked_for_in_this_process(tmp_path: pathlib.Path):
    """Its name is a number, which stands for another function here."""
    subprocess.run([sys.executable, "-c", _WITHOUT_GRADIENTS, tmp_path], check=True, capture_output=True)

    @tf.custom_gradient
    def other(x: tf.Tensor) -> Any:
        return tf.tanh(x), lambda upstream: 100.0 * upstream

    taken = [tf.function(other).get_concrete_function(SPEC) for _ in range(100)]
    ordinary = 1 - np.tanh(X[:, 0]) ** 2
    for name, wanted in (("True", 2 * np.ones(3)), ("False", ordinary), ("net.pb", ordinary)):
        settings = {"output": "Identity_1"} if name == "net.pb" else {}
        e = explain(tmp_path / name, "saliency", X, target=0, **settings)
        np.testing.assert_allclose(e.attributions[:, 0], wanted, rtol=1e-5)
        assert any("custom gradient" in note for note in e.notes) == (name != "True")
    del taken


def test_a_recomputed_gradient():
    table = tf.constant(TABLE)
    again = tf.recompute_grad(lambda x: tf.tanh(tf.tanh(x) @ table))
    plain = lambda x: tf.tanh(tf.tanh(x) @ table)  # noqa: E731
    for method in ("saliency", "deeplift", "integrated_gradients"):
        found, expected = (explain(model, method, X, target=1).attributions for model in (again, plain))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


# --- names, shapes, structures -------------------------------------------------------------------------------


def test_a_keras_class_whose_name_begins_with_an_underscore_keeps_its_batch_open():
    class _Hidden(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            return self.dense(tf.tanh(inputs))

    model = _Hidden()
    model(X)
    e = explain(filled(model), "gradient_x_input", X, target=0)
    assert e.notes == ()
    np.testing.assert_allclose(e.outputs, model(X)[:, 0], rtol=1e-5)


@pytest.mark.parametrize("method", ["gradient_x_input", "deeplift"])
def test_a_constant_of_the_batch_size_of_the_data(method: str):
    offset = tf.constant(np.arange(12, dtype=np.float32).reshape(3, 4))
    with dx.DeepExplain(lambda x: tf.tanh(x) * 2.0 + offset) as de:
        e = de.explain(method, X, target=1)
    (note,) = e.notes
    assert "batch size 3" in note
    np.testing.assert_allclose(e.outputs, 2 * np.tanh(X[:, 1]) + offset[:, 1], rtol=1e-5)


_Pair = collections.namedtuple("_Pair", ["zeta", "alpha"])


@pytest.mark.parametrize(
    ("wrap", "output"),
    [
        (lambda a, b: _Pair(a, b), "alpha"),
        (lambda a, b: _Pair(None, b), "alpha"),
        (lambda a, b: [None, b], "auto"),
        (lambda a, b: [a, None, b], 1),
        (lambda a, b: {"first": None, "second": b, "third": a}, "second"),
    ],
)
def test_outputs_by_name_and_outputs_that_are_none(wrap: Any, output: Any):
    model = lambda x: wrap(tf.exp(x), tf.tanh(x))  # noqa: E731
    e = explain(model, "saliency", X, target=0, output=output)
    np.testing.assert_allclose(e.attributions[:, 0], 1 - np.tanh(X[:, 0]) ** 2, rtol=1e-5)


def test_outputs_that_are_none_stay_none():
    with dx.DeepExplain(lambda x: {"a": None, "b": tf.tanh(x)}) as de:
        outputs = de.rewrite("gradient_x_input")(X)
        e = de.explain("saliency", X, target=lambda found: found["b"][:, 0] if found["a"] is None else 1)
    assert outputs["a"] is None
    np.testing.assert_allclose(outputs["b"], np.tanh(X), rtol=1e-6)
    np.testing.assert_allclose(e.attributions[:, 0], 1 - np.tanh(X[:, 0]) ** 2, rtol=1e-5)


def _graph_def(lower: bool) -> tf.compat.v1.GraphDef:
    table = weight(4, 4)

    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.while_loop(lambda n, z: n < 3, lambda n, z: [n + 1, tf.tanh(z @ table)], [0, x])[1]

    function = tf.function(model).get_concrete_function(SPEC)
    return convert_variables_to_constants_v2(function, lower_control_flow=lower).graph.as_graph_def()


def test_loops_of_tensorflow_1_are_refused_with_the_way_out():
    with pytest.raises(ModelError, match="lower_control_flow=False"):
        explain(_graph_def(lower=True), "saliency", X, target=0)
    assert np.abs(explain(_graph_def(lower=False), "saliency", X, target=0).attributions).max() > 1e-3


def test_names_that_a_graph_does_not_have():
    graph = _graph_def(lower=False)
    with pytest.raises(UnknownNameError, match=r"no tensor 'Identit'.*'Identity'"):
        dx.DeepExplain(graph, output="Identit")
    with pytest.raises(UnknownNameError, match="no tensor 'xs'"):
        dx.DeepExplain(graph, input_signature=[tf.TensorSpec([None, 4], name="xs")])
    with pytest.raises(ModelError, match=r"'x' \(None, 4\)"):
        dx.DeepExplain(graph, input_signature=[tf.TensorSpec([None, 5], name="x")])


def test_an_input_without_a_batch_axis_is_refused():
    function = tf.function(lambda x, keep: x * keep).get_concrete_function(SPEC, tf.TensorSpec([], name="keep"))
    with pytest.raises(ModelError, match=r"'keep' \(\).*constant"):
        dx.DeepExplain(function)
