"""Integrated Gradients of many small programs against a bare loop of gradients, whatever the chunks and batches."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError
from tests.checks import plain_integral
from tests.models import filled, floats

L = keras.layers
RNG = np.random.default_rng(0)
ROWS, STEPS, WIDTH = 5, 4, 4
X = RNG.normal(size=(ROWS, STEPS, WIDTH))
BASELINE = 0.2 * RNG.normal(size=(STEPS, WIDTH))
W, V, B = (tf.Variable(RNG.normal(size=shape)) for shape in ((WIDTH, 6), (6, 3), (6,)))
EYE = tf.eye(STEPS, dtype=tf.float64)
TABLE = tf.constant(RNG.normal(size=(7, 6)))
SPARSE = tf.sparse.from_dense(np.where(RNG.random((6, 6)) < 0.3, RNG.normal(size=(6, 6)), 0))
Function = Callable[[Any], Any]


def hidden(x: Any) -> Any:
    return tf.tanh(tf.einsum("bsw,wh->bsh", x, W) + B)


def keras_model(*layers: Any) -> Function:
    """Returns a Keras model of these layers, with random weights and biases."""
    return filled(keras.Sequential([keras.Input((STEPS, WIDTH)), *layers]))


def attention() -> Function:
    inputs = keras.Input((STEPS, WIDTH))
    attended = L.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
    return filled(keras.Model(inputs, L.Flatten()(attended)))


KERAS: dict[str, Callable[[], Function]] = {
    "lstm": lambda: keras_model(L.LSTM(3)),
    "gru": lambda: keras_model(L.GRU(3, reset_after=False)),
    "bidirectional": lambda: keras_model(L.Bidirectional(L.SimpleRNN(2, return_sequences=True)), L.Flatten()),
    "masked lstm": lambda: keras_model(L.Masking(9.0), L.LSTM(3)),
    "convolution": lambda: keras_model(L.Conv1D(3, 2, activation="gelu"), L.BatchNormalization(), L.Flatten()),
    "separable": lambda: keras_model(L.SeparableConv1D(3, 2, activation="swish"), L.GlobalAveragePooling1D()),
    "normalised": lambda: keras_model(L.Dense(5), L.LayerNormalization(), L.Flatten()),
    "each step": lambda: keras_model(L.TimeDistributed(L.Dense(3, activation="softplus")), L.GlobalMaxPooling1D()),
    "causal attention": attention,
}


def masked_mean(x: Any) -> Any:
    mask = tf.cast(x[:, :, :1] > 0.1, x.dtype)
    return tf.reduce_sum(hidden(x) * mask, 1) / (1 + tf.reduce_sum(mask, 1))


def ragged(x: Any) -> Any:
    return tf.reduce_sum(tf.RaggedTensor.from_tensor(hidden(x), lengths=tf.repeat(3, tf.shape(x)[0])), 1)


def products(x: Any) -> Any:
    return tf.matmul(x, x, transpose_b=True)


def sparse(x: Any) -> Any:
    return tf.transpose(tf.sparse.sparse_dense_matmul(SPARSE, hidden(x)[:, 0], adjoint_b=True)) ** 2


def segments(x: Any) -> Any:
    rows = tf.shape(x)[0]
    flat = tf.reshape(hidden(x), [rows * STEPS, 6])
    return tf.math.unsorted_segment_sum(flat, tf.repeat(tf.range(rows), STEPS), rows)


def scattered(x: Any) -> Any:
    indices = tf.constant([[0], [2], [2], [1]])
    put = tf.map_fn(lambda h: tf.tensor_scatter_nd_add(tf.zeros([3, 6], x.dtype), indices, h), hidden(x))
    return tf.reshape(put**2, [-1, 18])


def looped(x: Any) -> Any:
    return tf.while_loop(lambda n, _: n < 3, lambda n, h: (n + 1, tf.tanh(h @ V @ tf.transpose(V))), (0, hidden(x)))[1]


def scanned(x: Any) -> Any:
    return tf.scan(lambda s, h: tf.tanh(s + h), tf.transpose(hidden(x), [1, 0, 2]))[-1]


def branched(x: Any) -> Any:
    return tf.cond(B[0] > 0, lambda: hidden(x) ** 2, lambda: tf.exp(hidden(x)))


def of_each_row(x: Any) -> Any:
    return tf.map_fn(lambda row: tf.cond(row[0, 0] > 0, lambda: tf.sin(row), lambda: row**3), x)


def cased(x: Any) -> Any:
    return tf.switch_case(tf.constant(1), [lambda: x, lambda: hidden(x) ** 3, lambda: hidden(x)])


@tf.custom_gradient
def doubled_gradient(h: Any) -> Any:
    return tf.sin(h), lambda upstream: 2 * upstream * tf.cos(h)


@tf.RegisterGradient("DifferentialTestHalf")
def _half(op: Any, upstream: Any) -> Any:
    return upstream * (1 - op.outputs[0] ** 2) / 2


def overridden(x: Any) -> Any:
    if tf.executing_eagerly():  # the same gradient where no graph has an override map
        return halved(tf.einsum("bsw,wh->bsh", x, W))
    with tf.compat.v1.get_default_graph().gradient_override_map({"Tanh": "DifferentialTestHalf"}):
        return tf.tanh(tf.einsum("bsw,wh->bsh", x, W))


@tf.custom_gradient
def halved(h: Any) -> Any:
    y = tf.tanh(h)
    return y, lambda upstream: upstream * (1 - y**2) / 2


def spectrum(x: Any) -> Any:
    return tf.abs(tf.signal.fft(tf.cast(hidden(x), tf.complex128)))


def rotated(x: Any) -> Any:
    turned = tf.complex(x, tf.sin(x)) * tf.exp(tf.complex(tf.zeros_like(x), x))
    return tf.math.real(turned) + tf.math.imag(turned) ** 2


def inner_function(x: Any) -> Any:
    return tf.function(lambda h: tf.nn.softmax(h) * h, autograph=False)(hidden(x))


FUNCTIONS: dict[str, Function] = {
    "affine": lambda x: tf.einsum("bsw,wh->bsh", x, W) + B,
    "dense": hidden,
    "kinked": lambda x: tf.nn.relu(hidden(x) - 0.2),
    "leaky": lambda x: tf.nn.leaky_relu(hidden(x), 0.3),
    "gate": lambda x: hidden(x) * tf.sigmoid(tf.einsum("bsw,wh->bsh", x, W)),
    "quotient": lambda x: hidden(x) / (2 + tf.cos(x[:, :, :1])),
    "power": lambda x: tf.exp(x[:, :, :1]) ** hidden(x),
    "softmax": lambda x: tf.nn.softmax(hidden(x), axis=1),
    "norm": lambda x: tf.norm(hidden(x), axis=1),
    "moments": lambda x: tf.nn.moments(hidden(x), [2])[1],
    "logsumexp": lambda x: tf.reduce_logsumexp(hidden(x), 1),
    "sort": lambda x: tf.sort(hidden(x), axis=1) * tf.constant([[[1.0], [2.0], [3.0], [4.0]]], tf.float64),
    "top k": lambda x: tf.math.top_k(hidden(x), 2)[0],
    "maximum": lambda x: tf.maximum(hidden(x)[:, :2], hidden(x)[:, 2:]),
    "pooled": lambda x: tf.nn.max_pool1d(hidden(x), 2, 2, "VALID"),
    "clipped": lambda x: tf.clip_by_value(x, -0.5, 0.6) * x,
    "chosen": lambda x: tf.where(x > 0.1, tf.exp(x), x**2),
    "masked mean": masked_mean,
    "cumulative": lambda x: tf.cumsum(hidden(x), 1) * tf.math.cumprod(2 + hidden(x), 1),
    "gathered": lambda x: tf.gather(hidden(x), [3, 1, 1], axis=1) ** 2,
    "embedded": lambda x: hidden(x) * tf.gather(TABLE, tf.constant([1, 3, 3, 6])),
    "sparse": sparse,
    "ragged": ragged,
    "segments": segments,
    "scattered": scattered,
    "strided": lambda x: tf.reverse(hidden(x)[:, ::2, 1:5:2], [1]) ** 2,
    "stacked": lambda x: tf.stack([hidden(x), tf.sin(hidden(x))], 1),
    "padded": lambda x: tf.pad(hidden(x), [[0, 0], [1, 1], [0, 0]], "SYMMETRIC") ** 2,
    "while loop": looped,
    "scan": scanned,
    "branch of a variable": branched,
    "branch of each row": of_each_row,
    "case": cased,
    "custom gradient": lambda x: doubled_gradient(hidden(x)),
    "gradient override map": overridden,
    "stopped": lambda x: hidden(x) * tf.stop_gradient(tf.sin(x[:, :, :1])),
    "spectrum": spectrum,
    "complex product": rotated,
    "function": inner_function,
    "solved": lambda x: tf.linalg.solve(
        tf.matmul(x, x, transpose_b=True) + 4 * tf.eye(STEPS, dtype=x.dtype), hidden(x)
    ),
    "determinant": lambda x: tf.linalg.det(tf.eye(STEPS, dtype=x.dtype) + tf.matmul(x, x, transpose_b=True))[:, None],
    "erf": lambda x: tf.math.erf(hidden(x)) * tf.math.lgamma(3 + hidden(x)),
}


def mean_of_units(function: Function) -> Function:
    """Returns a target `[batch]` of any program: a weighted sum of its units."""

    def target(x: Any) -> Any:
        outputs = tf.reshape(function(x), [tf.shape(x)[0], -1])
        return tf.reduce_sum(outputs * tf.cos(tf.range(1, tf.shape(outputs)[1] + 1, dtype=outputs.dtype)), 1)

    return target


def agrees(function: Function, jit_compile: bool, sizes: dict[str, int]) -> None:
    target = mean_of_units(function)
    (wanted,) = plain_integral(target, [X], [BASELINE], n_steps=6)
    spec = tf.TensorSpec([None, STEPS, WIDTH], tf.float64)
    unconverted = tf.autograph.experimental.do_not_convert(target)
    with dx.DeepExplain(unconverted, input_signature=[spec], jit_compile=jit_compile) as de:
        e = de.explain("integrated_gradients", X, baseline=BASELINE, n_steps=6, **sizes)
    np.testing.assert_allclose(e.attributions, wanted, rtol=1e-10, atol=1e-10 * np.abs(wanted).max())
    np.testing.assert_allclose(e.outputs, target(tf.constant(X)), rtol=1e-12, atol=1e-12)


def made(name: str) -> Function:
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    with floats("float64"):
        return KERAS[name]()


NAMES = [*FUNCTIONS, *KERAS]
# Ops that XLA does not know, a branch that it cannot bound, and one whose shape it mistakes for another branch's.
WITHOUT_XLA = {"ragged", "sparse", "determinant", "branch of each row", "case"}


def test_there_are_enough_programs():
    assert len(NAMES) - len(_AT_LENGTH) >= 40


_AT_LENGTH = ("gru", "bidirectional")  # there are other loops
# A twelfth of the programs by default: the same loop over chunks takes all their gradients.
_IN_TURN = [pytest.param(n, marks=[pytest.mark.long] * (n in _AT_LENGTH or i % 12 > 0)) for i, n in enumerate(NAMES)]


@pytest.mark.parametrize("name", _IN_TURN)
def test_integrals_in_odd_chunks(name: str):
    agrees(made(name), False, {"chunk_size": 7, "batch_size": 3})


@pytest.mark.long  # the same programs in one chunk, one by one, and compiled; a third each of what the test above takes
@pytest.mark.parametrize(
    "sizes", [{}, {"chunk_size": 1}, {"batch_size": 1}, {"chunk_size": 64, "batch_size": 5}], ids=str
)
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_integrals_in_chunks_of_all_sizes(name: str, jit_compile: bool, sizes: dict[str, int]):
    if jit_compile and name in WITHOUT_XLA:
        pytest.skip("XLA does not compile it")
    agrees(made(name), jit_compile, sizes)


def fixed_rows(x: Any) -> Any:
    return hidden(x) * tf.constant(np.arange(1.0, ROWS + 1)[:, None, None])


def batch_mean(x: Any) -> Any:
    return hidden(x) - tf.reduce_mean(hidden(x), 0)


def row_count(x: Any) -> Any:
    return hidden(x) * tf.cast(tf.shape(x)[0], x.dtype)


def noisy(x: Any) -> Any:
    return hidden(x) + tf.random.normal(tf.shape(x)[:2], dtype=x.dtype)[:, :, None]


def stateful() -> Function:
    with floats("float64"):
        model = filled(keras.Sequential([keras.Input((STEPS, WIDTH), batch_size=ROWS), L.LSTM(3, stateful=True)]))
        model(X)  # leaves each row a state of its own
        return model


@pytest.mark.parametrize("name", ["fixed_rows", "batch_mean", "row_count", "noisy", "stateful"])
def test_what_is_no_function_of_each_row_is_refused(name: str):
    function = stateful() if name == "stateful" else globals()[name]
    model = tf.autograph.experimental.do_not_convert(mean_of_units(function))
    spec = tf.TensorSpec([ROWS if name in ("stateful", "fixed_rows") else None, STEPS, WIDTH], tf.float64)
    with dx.DeepExplain(model, input_signature=[spec]) as de, pytest.raises(DeepExplainError):
        de.explain("integrated_gradients", X + np.arange(ROWS)[:, None, None], n_steps=6)
