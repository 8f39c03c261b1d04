"""Every structure of TensorFlow and Keras with a program inside: DeepLIFT adds up in it, with and without XLA."""

from collections.abc import Callable
import functools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.checks import explain
from tests.models import filled

_RNG = np.random.default_rng(7)
_WEIGHTS = tf.constant(_RNG.normal(size=(4, 4)))
_SEQUENCES = _RNG.normal(size=(3, 6, 4))
_START = _RNG.normal(size=(6, 4)) * 0.3
_FRAMES = _RNG.normal(size=(2, 3, 5, 5, 2))
_MODELS: dict[str, Callable[[], Any]] = {}
_XLA = ["lstm", "masked", "scan", "nested_loops"]


def _model(build: Callable[[], Any]) -> Callable[[], Any]:
    _MODELS[build.__name__] = functools.cache(build)
    return build


def _recurrent(*layers: Any, steps: int | None = None) -> keras.Model:
    model = keras.Sequential([keras.Input((steps, 4), dtype="float64"), *layers])
    model.add(keras.layers.Dense(2, dtype="float64"))
    return filled(model)


def _layer(kind: str, *arguments: Any, **settings: Any) -> keras.layers.Layer:
    return getattr(keras.layers, kind)(*arguments, dtype="float64", **settings)


@_model
def lstm() -> Any:
    return _recurrent(_layer("LSTM", 3))


@_model
def gru() -> Any:
    return _recurrent(_layer("GRU", 3, go_backwards=True))


@_model
def gru_reset_before() -> Any:
    return _recurrent(_layer("GRU", 3, reset_after=False))


@_model
def simple_rnn() -> Any:
    return _recurrent(_layer("SimpleRNN", 3, activation="softsign"))


@_model
def bidirectional_stack() -> Any:
    inner = _layer("LSTM", 3, return_sequences=True)
    return _recurrent(_layer("Bidirectional", inner), _layer("GRU", 3))


@_model
def stacked_cells() -> Any:
    cells = [_layer("LSTMCell", 3), _layer("GRUCell", 4), _layer("SimpleRNNCell", 2)]
    return _recurrent(_layer("RNN", _layer("StackedRNNCells", cells)))


@_model
def time_distributed() -> Any:
    inner = _layer("Dense", 3, activation="gelu")
    # Keras itself gives other numbers in a graph than outside of it where the number of steps is open.
    return _recurrent(_layer("TimeDistributed", inner), _layer("LSTM", 2), steps=6)


@_model
def masked() -> Any:
    return _recurrent(_layer("Masking"), _layer("LSTM", 3, return_sequences=True), _layer("GRU", 2))


@_model
def unrolled() -> Any:
    model = keras.Sequential([keras.Input((6, 4), dtype="float64"), _layer("LSTM", 3, unroll=True)])
    return filled(model)


@keras.saving.register_keras_serializable("loops_test")
class _Cell(keras.layers.Layer):
    """A cell with a gate of its own."""

    state_size = output_size = 3

    def build(self, shape: Any) -> None:
        self._kernel = self.add_weight(shape=(shape[-1] + 3, 6), name="kernel")

    def call(self, inputs: Any, states: Any) -> Any:
        gate, value = keras.ops.split(keras.ops.concatenate([inputs, states[0]], -1) @ self._kernel, 2, -1)
        new = keras.ops.sigmoid(gate) * keras.ops.tanh(value) + states[0] * 0.5
        return new, [new]


@_model
def custom_cell() -> Any:
    return _recurrent(keras.layers.RNN(_Cell(dtype="float64"), dtype="float64"))


@_model
def convolutional() -> Any:
    frames = keras.Input((3, 5, 5, 2), dtype="float64")
    hidden = _layer("ConvLSTM2D", 2, 3, padding="same")(frames)
    return filled(keras.Model(frames, _layer("Dense", 2)(_layer("Flatten")(hidden))))


@_model
def scan() -> Any:
    def model(x: tf.Tensor) -> tf.Tensor:
        steps = tf.transpose(x, [1, 0, 2])
        states = tf.scan(lambda state, step: tf.tanh(state @ _WEIGHTS + step), steps, tf.zeros_like(steps[0]))
        return tf.reduce_sum(states, 0)

    return model


@_model
def map_fn() -> Any:
    return lambda x: tf.reduce_sum(tf.map_fn(lambda row: tf.nn.softmax(row @ _WEIGHTS) * row, x), 1)


@_model
def vectorized_map() -> Any:
    return lambda x: tf.reduce_sum(tf.vectorized_map(lambda row: tf.nn.softmax(row @ _WEIGHTS) * row, x), 1)


@_model
def nested_loops() -> Any:
    def outer(i: tf.Tensor, y: tf.Tensor) -> Any:
        _, y = tf.while_loop(lambda j, _: j < 2, lambda j, y: (j + 1, tf.sigmoid(y @ _WEIGHTS) * y), [0, y])
        return i + 1, tf.nn.silu(y)

    return lambda x: tf.reduce_sum(tf.while_loop(lambda i, _: i < 3, outer, [0, x])[1], 1)


@_model
def switch_case() -> Any:
    branches = [lambda y: tf.exp(-y), lambda y: tf.nn.softmax(y) * y, tf.abs]

    def turn(i: tf.Tensor, y: tf.Tensor) -> Any:
        return i + 1, tf.switch_case(i, [functools.partial(branch, y) for branch in branches])

    return lambda x: tf.reduce_sum(tf.while_loop(lambda i, _: i < 3, turn, [0, x])[1], 1)


@_model
def calls_of_calls() -> Any:
    inner = tf.function(lambda x: tf.tanh(x @ _WEIGHTS), autograph=False)
    middle = tf.function(lambda x: inner(x) * inner(inner(x)), autograph=False)
    return lambda x: tf.reduce_sum(middle(x), 1)


@_model
def own_gradient() -> Any:
    @tf.custom_gradient
    def clipped(x: tf.Tensor) -> Any:
        return tf.exp(x) * x, lambda upstream: tf.clip_by_value(upstream, -1.0, 1.0)

    return lambda x: tf.reduce_sum(clipped(x @ _WEIGHTS * 0.3), 1)


def _data(name: str) -> tuple[np.ndarray, Any]:
    if name == "convolutional":
        return _FRAMES, 0.2
    if name == "masked":
        x = _SEQUENCES.copy()
        x[0, 4:], x[1, 2:] = 0.0, 0.0
        return x, None
    return _SEQUENCES, _START


def _deeplift(name: str, **settings: Any) -> Any:
    x, baseline = _data(name)
    model = _MODELS[name]()
    if not isinstance(model, keras.Model):
        settings["input_signature"] = [tf.TensorSpec([None, *x.shape[1:]], tf.float64)]
    return explain(model, "deeplift", x, baseline=baseline, target=1, **settings)


# tests/keras_layers_test.py has these kinds of layers too; the last ones are loops like lstm and scan.
_AT_LENGTH = (
    *("gru", "simple_rnn", "stacked_cells", "bidirectional_stack", "time_distributed", "convolutional"),
    *("gru_reset_before", "custom_cell", "unrolled", "map_fn", "masked", "own_gradient"),
)


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n in _AT_LENGTH)) for n in _MODELS])
def test_it_adds_up(name: str):
    e = _deeplift(name)
    assert (np.abs(e.outputs - e.baseline_outputs) > 1e-3).all()
    np.testing.assert_allclose(e.completeness_gap / (e.outputs - e.baseline_outputs), 0.0, atol=1e-10)
    x, baseline = _data(name)
    start = np.broadcast_to(0.0 if baseline is None else baseline, x.shape)
    model = tf.function(_MODELS[name](), autograph=False)
    for point, found in ((x, e.outputs), (start, e.baseline_outputs)):
        np.testing.assert_allclose(found, model(tf.constant(point))[:, 1], rtol=1e-12)


@pytest.mark.long  # tests/conformance compiles
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n != "lstm")) for n in _XLA])
def test_xla_gives_the_same(name: str):
    plain, compiled = _deeplift(name), _deeplift(name, jit_compile=True)
    np.testing.assert_allclose(compiled.attributions, plain.attributions, rtol=1e-9, atol=1e-12)
    assert compiled.notes == plain.notes


@pytest.mark.long  # tests/conformance has batches of every structure
def test_an_example_is_explained_as_in_a_batch():
    x, baseline = _data("lstm")
    model = _MODELS["lstm"]()
    whole = explain(model, "deeplift", x, baseline=baseline, target=1)
    single = explain(model, "deeplift", x[:1], baseline=baseline, target=1)
    longer = explain(model, "deeplift", np.tile(x, (3, 1, 1)), baseline=baseline, target=1, batch_size=4)
    np.testing.assert_allclose(single.attributions, whole.attributions[:1], rtol=1e-12)
    np.testing.assert_allclose(longer.attributions, np.tile(whole.attributions, (3, 1, 1)), rtol=1e-12)
