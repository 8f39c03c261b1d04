"""Tests of `graph/passes/select_first.py`: the selection moves before the ops that compute an output."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.passes import Selected, select_first
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from tests.checks import op_types, program_of

_RANDOM = np.random.default_rng(0)
_VECTORS, _TEXTS, _IMAGES = (_RANDOM.normal(size=shape) for shape in ((3, 4), (3, 5, 4), (3, 5, 6, 4)))
_KERNEL, _EMBEDDINGS, _BIAS = (tf.Variable(_RANDOM.normal(size=shape)) for shape in ((4, 9), (9, 4), (9,)))
_UNITS, _PLACES = [[1], [8], [0]], [[1, 2], [4, 8], [0, 0]]
_NONE: list[list[int]] = [[], [], []]


def _dense(x: tf.Tensor) -> tf.Tensor:
    """As a Keras Dense does on sequences: positions become rows of one product."""
    return tf.nn.bias_add(tf.tensordot(tf.tanh(x), _KERNEL, 1), _BIAS)


def _tied(x: tf.Tensor) -> tf.Tensor:
    return tf.matmul(tf.tanh(x), _EMBEDDINGS, transpose_b=True)


def _normalised(x: tf.Tensor) -> tf.Tensor:
    logits = _dense(x)
    return logits - tf.reduce_logsumexp(logits, -1, keepdims=True)


def _block(x: tf.Tensor) -> tf.Tensor:
    """An encoder's block: heads by Einsum, a layer norm by hand, and a dense layer."""
    query, key = (tf.einsum("btd,dhe->bthe", x, tf.reshape(_KERNEL[:, k : k + 8], [4, 2, 4])) for k in (0, 1))
    weights = tf.nn.softmax(tf.einsum("bqhe,bkhe->bhqk", query, key) / 2.0)
    mixed = tf.einsum("bhqk,bkhe->bqhe", weights, key)
    x = x + tf.einsum("bqhe,hed->bqd", mixed, tf.reshape(_EMBEDDINGS[:8], [2, 4, 4])) + _BIAS[:4]
    mean = tf.reduce_mean(x, -1, keepdims=True)
    x = (x - mean) * tf.math.rsqrt(tf.reduce_mean(tf.square(x - mean), -1, keepdims=True) + 1e-3) * _BIAS[4:8]
    return x + tf.tensordot(tf.nn.gelu(tf.tensordot(x, _KERNEL, 1) + _BIAS), _EMBEDDINGS, 1)


def _causal(x: tf.Tensor) -> tf.Tensor:
    """Heads by Reshape and Transpose, and a mask."""
    rows, length = tf.shape(x)[0], tf.shape(x)[1]
    parts = [tf.reshape(tf.tensordot(x, _KERNEL[:, k : k + 8], 1), [rows, -1, 2, 4]) for k in (0, 1)]
    query, key = (tf.transpose(part, [0, 2, 1, 3]) for part in parts)
    mask = 9.0 * (tf.linalg.band_part(tf.ones([length, length], x.dtype), -1, 0) - 1.0)
    mixed = tf.matmul(tf.nn.softmax(tf.matmul(query, key, transpose_b=True) + mask), key)
    mixed = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows, length, 8])
    return x + tf.tensordot(mixed, _EMBEDDINGS[:8], 1)


# Each a model, its input and the index for each example.
_OF_VECTORS = {
    "product": lambda x: tf.tanh(x) @ _KERNEL,
    "with a bias": lambda x: tf.tanh(x) @ _KERNEL + _BIAS,
    "bias first": lambda x: _BIAS + tf.tanh(x) @ _KERNEL,
    "BiasAdd": lambda x: tf.nn.bias_add(tf.tanh(x) @ _KERNEL, _BIAS),
    "passed on": lambda x: tf.identity(tf.identity(tf.tanh(x) @ _KERNEL + _BIAS)),
    "a computed kernel": lambda x: tf.tanh(x) @ (_KERNEL * 2.0 + 1.0),
    "a computed bias": lambda x: tf.tanh(x) @ _KERNEL + tf.exp(_BIAS),
    "transposed kernel": lambda x: tf.matmul(tf.tanh(x), tf.transpose(_KERNEL) + 0.0, transpose_b=True),
    "a factor": lambda x: (tf.tanh(x) @ _KERNEL) * _BIAS,
    "a sum that varies": lambda x: tf.tanh(x) @ _KERNEL + x[:, :1],
    "one bias for all": lambda x: tf.tanh(x) @ _KERNEL + 1.0,
    "a bias for a row of them": lambda x: tf.tanh(x) @ _KERNEL + _BIAS[tf.newaxis],
    "two layers": lambda x: tf.tanh(x) @ _KERNEL + tf.sin(x) @ _KERNEL,
    "a function behind": lambda x: 3.0 * tf.tanh((tf.tanh(x) @ _KERNEL + _BIAS) / 3.0),
    "low rank": lambda x: tf.tanh(x) @ (_KERNEL[:, :2] @ _KERNEL[:2]),
}
_OF_TEXTS: dict[str, tuple[Callable[[tf.Tensor], tf.Tensor], Sequence[Sequence[int]]]] = {
    "dense": (_dense, _PLACES),
    "tied": (lambda x: _tied(x) + _BIAS, _PLACES),
    "tied by a transpose": (lambda x: tf.matmul(tf.tanh(x), tf.transpose(_EMBEDDINGS)), _PLACES),
    "einsum": (lambda x: tf.einsum("btd,dv->btv", tf.tanh(x), _KERNEL) + _BIAS, _PLACES),
    "einsum with dots": (lambda x: tf.einsum("...d,dv->...v", tf.tanh(x), _KERNEL), _PLACES),
    "einsum, turned": (lambda x: tf.einsum("btd,dv->bvt", tf.tanh(x), _KERNEL), [[2, 1], [8, 4], [0, 0]]),
    "convolution": (lambda x: tf.nn.bias_add(tf.nn.conv1d(tf.tanh(x), _KERNEL[None], 1, "SAME"), _BIAS), _PLACES),
    "turned": (lambda x: tf.transpose(_dense(x), [0, 2, 1]), [[2, 1], [8, 4], [0, 0]]),
    "the last position": (lambda x: _dense(x)[:, -1, :], _UNITS),
    "the last position before": (lambda x: _tied(tf.tanh(x @ tf.tile(_KERNEL[:, :4], [1, 1]))[:, -1:])[:, 0], _UNITS),
    "but the first": (lambda x: _dense(x)[:, 1:], [[1, 2], [3, 8], [0, 0]]),
    "one unit of all": (lambda x: _dense(x)[..., 3], [[1], [2], [4]]),
    "one unit of one": (lambda x: tf.squeeze(_dense(x)[:, -1:, 3:4], [1, 2]), _NONE),
    "reshaped": (lambda x: tf.reshape(_dense(x), [tf.shape(x)[0], -1, 3, 3]), [[1, 2, 0], [4, 1, 1], [0, 0, 2]]),
    "an axis more": (lambda x: _dense(x)[:, None], [[0, 1, 2], [0, 4, 8], [0, 0, 0]]),
    "cast": (lambda x: tf.cast(tf.cast(tf.cast(_dense(x), tf.float64), tf.float32), tf.float64), _PLACES),
    "two heads": (lambda x: _dense(x) + _tied(tf.sin(x)), _PLACES),
    "encoder": (lambda x: _tied(_block(_block(x))) + _BIAS, _PLACES),
    "causal": (lambda x: _tied(_causal(_causal(x))), _PLACES),
    "the first position of an encoder": (lambda x: tf.tanh(_block(x)[:, 0] @ _KERNEL) @ _EMBEDDINGS, [[1], [3], [0]]),
    "several positions": (lambda x: sum(_tied(_block(x))[:, k] for k in (0, 2, -1)), _UNITS),
    "own gradient": (lambda x: _tied(tf.nn.silu(tf.tensordot(x, _KERNEL[:, :4], 1))), _PLACES),
}
_CASES = {
    **{name: (function, _VECTORS, _UNITS, False) for name, function in _OF_VECTORS.items()},
    **{name: (*case[:1], _TEXTS, *case[1:], False) for name, case in _OF_TEXTS.items()},
    **{f"{name}, of any length": (*case[:1], _TEXTS, *case[1:], True) for name, case in _OF_TEXTS.items()},
    "pixels": (lambda x: tf.nn.conv2d(tf.tanh(x), _KERNEL[None, None], 1, "VALID"), _IMAGES, [[1, 2, 3]] * 3, True),
    "flattened": (lambda x: tf.reshape(_dense(x), [-1, 45]), _TEXTS, [[11], [44], [0]], False),
    "backwards": (lambda x: _dense(x)[:, ::-2], _TEXTS, [[1, 2], [2, 8], [0, 0]], False),
}
_SHORT = (  # of each op one case; the long ones are the same ops in another order, or with lengths that are known
    *("with a bias", "a computed kernel", "low rank", "tied by a transpose", "two heads", "flattened", "backwards"),
    *("dense, of any length", "einsum with dots, of any length", "convolution, of any length", "pixels"),
    *("turned, of any length", "the last position, of any length", "the last position before, of any length"),
    *("one unit of one, of any length", "reshaped, of any length", "an axis more", "causal, of any length"),
    *("the first position of an encoder", "own gradient"),
)
_LEFT = {
    "another function": (lambda x: tf.nn.softmax(tf.tanh(x) @ _KERNEL), _VECTORS),
    "no product": (lambda x: tf.tanh(x), _VECTORS),
    "all units are needed": (lambda x: tf.nn.log_softmax(_dense(x)), _TEXTS),
    "all units are needed too": (_normalised, _TEXTS),
    "a window": (lambda x: tf.nn.conv1d(tf.tanh(x), tf.stack([_KERNEL, _KERNEL]), 1, "SAME"), _TEXTS),
}


def _program(function: Callable[[tf.Tensor], tf.Tensor], x: np.ndarray, any_length: bool = False) -> Program:
    shape = [None] * (x.ndim - 1) + [x.shape[-1]] if any_length else [None, *x.shape[1:]]
    return trace(source_of(function, input_signature=[tf.TensorSpec(shape, x.dtype)]), None).program


def _run(program: Program, selected: Selected, x: np.ndarray, index: Any, jit_compile: bool = False) -> list[Any]:
    """Returns the selected target, its gradient, and both as the given program computes them."""

    @tf.function(autograph=False, jit_compile=jit_compile)
    def graph(x: tf.Tensor, index: tf.Tensor) -> list[tf.Tensor]:
        data = emit(selected.of_index, {selected.of_index.inputs[0]: index})
        (found,) = emit(selected.program, {**dict(zip(selected.data, data, strict=True)), program.inputs[0]: x})
        (output,) = emit(program, {program.inputs[0]: x})
        expected = tf.gather_nd(output, tf.concat([tf.range(3)[:, None], index], 1))
        return [found, *tf.gradients(found, x), expected, *tf.gradients(expected, x)]

    return [np.asarray(tensor) for tensor in graph(tf.constant(x), tf.constant(index, tf.int32, [3, len(index[0])]))]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in _SHORT else pytest.mark.long) for name in _CASES]
)
def test_the_target_alone_is_that_of_the_output(name: str):
    function, x, index, any_length = _CASES[name]
    program = _program(function, x, any_length)
    selected = select_first(program, program.inputs)
    assert selected is not None
    found, gradient, expected, whole = _run(program, selected, x, index)
    assert np.abs(expected).min() > 1e-3
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient, whole, rtol=1e-12, atol=1e-12 * np.abs(whole).max())
    assert select_first(selected.program, program.inputs) is None  # a second time


@pytest.mark.parametrize(
    "name",
    [
        "the last position, of any length",
        pytest.param("encoder", marks=pytest.mark.long),  # the same for more ops
    ],
)
def test_it_compiles(name: str):
    function, x, index, any_length = _CASES[name]
    program = _program(function, x, any_length)
    found, gradient, expected, whole = _run(program, select_first(program, program.inputs), x, index, jit_compile=True)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient, whole, rtol=1e-12, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("name", _LEFT)
def test_where_no_product_is_saved_nothing_changes(name: str):
    function, x = _LEFT[name]
    program = program_of(function, x)
    assert select_first(program, program.inputs) is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_narrow_layer_is_left_as_its_sums_are_wider(dtype: str):
    narrow = lambda x: tf.cast(tf.tanh(x), dtype) @ tf.cast(_KERNEL, dtype)  # noqa: E731
    program = program_of(narrow, _VECTORS)
    assert select_first(program, program.inputs) is None


@pytest.mark.parametrize("name", ["dense", "tied, of any length", "convolution"])
def test_nothing_has_the_size_of_the_output(name: str):
    """Of 9 units and 5 positions, no op of the selected program computes all."""
    function, x, _, any_length = _CASES[name]
    program = _program(lambda x: function(x)[..., :9], x, any_length)
    selected = select_first(program, program.inputs)
    assert selected is not None and len(selected.data) >= 2
    shapes = [value.shape.as_list()[1:] for node in selected.program.nodes() for value in node.outputs()]
    behind = shapes[-6:]
    assert all(9 not in shape for shape in behind)
    assert "MatMul" not in op_types(Program(program.inputs, selected.program.outputs))[-4:]
