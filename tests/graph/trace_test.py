"""A model traced once: every kind of model, the shapes and dtypes that data suggest, and marked layers."""

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, ModelError, UnknownNameError
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import Traced, trace
from tests.checks import pairs_in_turn
from tests.models import STRUCTURES, filled, mlp, perceptron, weight

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def traced(model: Any, inputs: Any = None, layer: str | None = None, signature: Any = None) -> Traced:
    return trace(source_of(model, signature), layer, inputs)


def emitted(found: Traced, *inputs: Any) -> list[np.ndarray]:
    """Runs a traced program on flat inputs."""

    @tf.function(autograph=False)
    def run(*tensors: tf.Tensor) -> list[tf.Tensor]:
        return emit(found.program, dict(zip(found.program.inputs, tensors, strict=True)))

    return [tensor.numpy() for tensor in run(*map(tf.constant, inputs))]


def called(model: Any, inputs: Any) -> Any:
    if isinstance(model, keras.Model):
        return model(inputs, training=False)
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, list | tuple) else model(inputs)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_program_computes_what_the_model_does(name: str):
    case = STRUCTURES[name]
    model, inputs = case.build(), case.inputs(case.batch or 2)
    found = traced(model, inputs)
    tf.nest.assert_same_structure(found.specs, tf.nest.map_structure(lambda array: 0, inputs))
    assert found.batch == case.batch
    assert found.notes == ()
    expected = called(model, inputs)
    outputs = emitted(found, *tf.nest.flatten(inputs))
    tf.nest.assert_same_structure(found.outputs, expected)
    flat = zip(tf.nest.flatten(found.outputs), tf.nest.flatten(expected), strict=True)
    for position, wanted in flat:
        np.testing.assert_allclose(outputs[position], wanted, rtol=1e-5, atol=1e-6)


def test_variables_stay_variables():
    model = perceptron()
    found = traced(model, X)
    before = emitted(found, X)
    for variable in model.variables:
        variable.assign(variable * 0.5)
    (after,) = emitted(found, X)
    np.testing.assert_allclose(after, model(X), rtol=1e-6)
    assert np.abs(after - before).max() > 1e-2


def test_variables_live_as_long_as_the_trace():
    found = traced(perceptron(), X)  # nothing else holds the model
    np.testing.assert_allclose(emitted(found, X)[0], perceptron()(X), rtol=1e-6)


# --- shapes and dtypes from data --------------------------------------------------------------------------


def test_the_batch_axis_is_left_open():
    seen = []

    def model(x: tf.Tensor) -> tf.Tensor:
        seen.append(x.shape.as_list())
        return tf.reduce_sum(x, 1)

    found = traced(model, X)
    assert seen == [[None, 4]]
    assert found.batch is None
    assert found.specs.shape.as_list() == [None, 4]


def test_a_model_that_needs_the_batch_size_is_traced_with_that_of_the_data():
    """Other batches are then fed in pieces of that size."""

    def model(x: tf.Tensor) -> tf.Tensor:
        rows = [tf.reduce_sum(tf.tanh(x[row]) * (1.0 + tf.range(4.0))) for row in range(x.shape[0])]
        return tf.stack(rows)

    found = traced(model, X)
    assert found.batch == 3
    (note,) = found.notes
    assert "batch size 3" in note
    expected = (1 + np.arange(4)) * (1 - np.tanh(X) ** 2)
    with dx.DeepExplain(model) as de:
        explain = de.explainer("saliency", signed=True)
        e = explain(X)
        assert e.notes == found.notes
        np.testing.assert_allclose(e.attributions, expected, rtol=1e-5)
        many = np.concatenate([X, X[:1], X[1:]])
        found = explain(many).attributions
        np.testing.assert_allclose(found, np.concatenate([expected, expected[:1], expected[1:]]), rtol=1e-5)
        np.testing.assert_allclose(explain(X[:1]).attributions, expected[:1], rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "dtype"),
    pairs_in_turn(
        itertools.product(
            [perceptron, mlp, lambda: tf.function(perceptron())], [np.float64, np.float16, np.int64, np.uint8, np.bool_]
        ),
        2,
    ),
)
def test_real_numbers_of_any_dtype_serve_a_float_model(dtype: Any, build: Any):
    x = np.array([[0, 1, 1, 0], [1, 0, 1, 1]]).astype(dtype)
    with dx.DeepExplain(build()) as de:
        found = de.explain("gradient_x_input", x, target=1)
        expected = de.explain("gradient_x_input", x.astype(np.float32), target=1)
    assert found.attributions.dtype == np.float32
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-6)


def test_a_callable_in_float64_is_explained_in_float64():
    model = perceptron("float64")
    x = X.astype(np.float64)
    with dx.DeepExplain(model) as de:
        e = de.explain("deeplift", x, target=0)
    assert e.attributions.dtype == np.float64
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_tokens_stay_whole_numbers():
    table = weight(6, 4)
    ids = np.array([[1, 2], [0, 5]])
    with dx.DeepExplain(lambda ids: tf.reduce_sum(tf.tanh(tf.gather(table, ids)), [1, 2])) as de:
        e = de.explain("occlusion", ids)
    each = np.tanh(table.numpy()).sum(1)
    np.testing.assert_allclose(e.attributions, each[ids] - each[0], rtol=1e-5, atol=1e-6)


def test_conditions_stay_conditions_beside_real_numbers():
    model = lambda x, mask: tf.reduce_sum(tf.where(mask, tf.tanh(x), tf.zeros_like(x)), 1)  # noqa: E731
    mask = X > 0
    with dx.DeepExplain(model) as de:
        e = de.explain("occlusion", [X, mask])
    np.testing.assert_allclose(e.attributions[0], np.where(mask, np.tanh(X), 0), rtol=1e-5, atol=1e-6)


def test_data_of_another_shape_or_dtype_are_another_trace():
    shapes = []

    def model(x: tf.Tensor) -> tf.Tensor:
        if not tf.executing_eagerly():
            shapes.append((x.dtype.name, x.shape.as_list()))
        return tf.reduce_sum(tf.tanh(x), 1)

    with dx.DeepExplain(model) as de:
        for x in (X, X[:, :2], X.astype(np.float64), X, X[:1, :2]):
            np.testing.assert_allclose(de.explain("deeplift", x).attributions, np.tanh(x), rtol=1e-5)
    assert shapes == [("float32", [None, 4]), ("float32", [None, 2]), ("float64", [None, 4])]


def test_a_keras_model_never_built_is_built_by_the_first_call():
    model = keras.Sequential([keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(2)])
    with dx.DeepExplain(model) as de:
        e = de.explain("deeplift", X, target=0)
    np.testing.assert_allclose(e.outputs, model(X)[:, 0], rtol=1e-5)


def test_symbolic_data_give_the_same_trace_as_arrays():
    shapes = []

    def model(x: tf.Tensor) -> tf.Tensor:
        if not tf.executing_eagerly():
            shapes.append(x.shape.as_list())
        return tf.reduce_sum(x**2, 1)

    with dx.DeepExplain(model) as de:
        explain = de.explainer("saliency", signed=True)
    inside = tf.function(lambda x: explain(x).attributions, autograph=False)
    np.testing.assert_allclose(inside(tf.constant(X)), 2 * X, rtol=1e-6)
    np.testing.assert_allclose(explain(X[:2]).attributions, 2 * X[:2], rtol=1e-6)
    np.testing.assert_allclose(inside(tf.constant(X[:1])), 2 * X[:1], rtol=1e-6)
    assert shapes == [[None, 4]]


# --- marked layers ----------------------------------------------------------------------------------------


def shared_twice() -> tuple[keras.Model, keras.layers.Layer]:
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, activation="tanh", name="shared")
    return filled(keras.Model(inputs, keras.layers.Dense(2, name="last")(shared(shared(inputs))))), shared


@pytest.mark.parametrize(("layer", "calls"), [("shared:0", 1), ("shared:1", 2)])
def test_a_call_of_a_layer_is_marked(layer: str, calls: int):
    model, shared = shared_twice()
    found = traced(model, layer=layer)
    expected = X
    for _ in range(calls):
        expected = shared(expected)

    @tf.function(autograph=False)
    def run(x: tf.Tensor) -> tf.Tensor:
        program = found.program
        return emit(type(program)(program.inputs, found.places), {program.inputs[0]: x})[0]

    np.testing.assert_allclose(run(tf.constant(X)), expected, rtol=1e-5)


def test_nothing_is_marked_without_a_layer():
    assert traced(mlp()).places == ()


@pytest.mark.parametrize("layer", ["hidden", "hidden:0", "nothing", "hidden:5"])
def test_a_layer_is_restored_whatever_happens(layer: str):
    model = mlp()
    hidden = model.get_layer("hidden")
    before = dict(vars(hidden))
    try:
        traced(model, layer=layer)
    except UnknownNameError:
        assert layer in ("nothing", "hidden:5")
    assert vars(hidden) == before


def test_a_layer_is_restored_when_the_model_raises():
    class Failing(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2, name="dense")

        def call(self, inputs: tf.Tensor) -> tf.Tensor:
            self.dense(inputs)
            raise ValueError("no bananas left")

    model = Failing()
    with pytest.raises(ModelError, match="no bananas left"):
        traced(model, X, layer="dense")
    assert "call" not in vars(model.dense)


def test_a_call_that_an_instance_has_of_its_own_is_restored():
    model = mlp()
    hidden = model.get_layer("hidden")
    own = hidden.call
    hidden.__dict__["call"] = own
    traced(model, layer="hidden")
    assert hidden.__dict__["call"] is own


def test_a_layer_inside_a_loop_cannot_be_explained():
    inputs = keras.Input((3, 4))
    cell = keras.layers.SimpleRNNCell(4, name="cell")
    model = filled(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.RNN(cell)(inputs))))
    with pytest.raises((ModelError, UnknownNameError), match="'cell'") as caught:
        traced(model, layer="cell")
    assert len(str(caught.value)) <= 500


def test_a_layer_that_the_output_does_not_need_is_found():
    inputs = keras.Input((4,))
    aside = keras.layers.Dense(2, name="aside")(inputs)
    model = filled(keras.Model(inputs, [keras.layers.Dense(2, name="main")(inputs), aside]))
    assert traced(model, layer="aside").places


class Wrapped(keras.Model):
    """Calls a layer in a tf.function of its own, which keeps its traces, and once more outside of it."""

    def __init__(self) -> None:
        super().__init__()
        self.square = keras.layers.Dense(4, name="square")
        self.last = keras.layers.Dense(2, name="last")

    @tf.function
    def inner(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.tanh(self.square(inputs))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.last(self.square(self.inner(inputs)))


def test_a_call_of_a_layer_that_cannot_be_seen_is_refused():
    model = Wrapped()
    model(X)
    with pytest.raises(DeepExplainError, match=r"2 times|traced before"):
        traced(model, X, layer="square")
    with pytest.raises(DeepExplainError, match="traced before"):
        traced(model, X, layer="square:0")
