"""Tests of `graph/passes/affine_prefix.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.passes import affine_prefix
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from tests.checks import op_types, program_of, run_gradients, run_program

_RANDOM = np.random.default_rng(0)
_X = _RANDOM.normal(size=(3, 4))
_TABLE, _OTHER, _BIAS = (tf.constant(_RANDOM.normal(size=shape)) for shape in ((4, 6), (4, 5), (6,)))
_IMAGES, _KERNEL = _RANDOM.normal(size=(2, 5, 5, 2)), tf.constant(_RANDOM.normal(size=(3, 3, 2, 4)))


def _folded_rows(x):
    """Rows of 2 become examples of their own in the product, and come back; as a Keras Dense does on sequences."""
    rows = tf.matmul(tf.reshape(x, [-1, 2]), _TABLE[:2])
    return tf.tanh(tf.reshape(rows, [tf.shape(x)[0], 2, 6]))


def _shape_behind(x):
    z = x @ _TABLE
    return tf.reshape(tf.tanh(z), [tf.shape(z)[0] * 2, -1]) * tf.cast(tf.shape(x)[1], x.dtype)


def _two_ways(x):
    return tf.tanh(x @ _TABLE)[:, :5] * tf.sigmoid(x @ _OTHER + 0.5)


# Each a model, its inputs, and the ops of its affine part.
_CUT = {
    "dense": (lambda x: tf.tanh(x @ _TABLE + _BIAS), [_X], ["MatMul", "AddV2"]),
    "convolution": (lambda x: tf.tanh(tf.nn.conv2d(x, _KERNEL, 1, "SAME")), [_IMAGES], ["Conv2D"]),
    "pooled": (
        lambda x: tf.tanh(tf.nn.avg_pool2d(tf.nn.conv2d(x, _KERNEL, 1, "SAME"), 2, 2, "SAME")),
        [_IMAGES],
        ["Conv2D", "AvgPool"],
    ),
    "moved axes": (lambda x: tf.tanh(tf.transpose(tf.transpose(x) * 2.0) @ _TABLE), [_X], None),
    "transposed examples": (
        lambda x: tf.tanh(tf.einsum("bijc,cd->bijd", tf.transpose(x, [0, 2, 1, 3]), _TABLE[:2])),
        [_IMAGES],
        ["Transpose", "Einsum"],
    ),
    "two inputs": (
        lambda x, y: tf.tanh(tf.concat([x, y], 1) @ tf.concat([_TABLE, _TABLE], 0)),
        [_X, _X[::-1].copy()],
        ["ConcatV2", "MatMul"],
    ),
    "two frontiers": (_two_ways, [_X], ["MatMul", "MatMul", "AddV2"]),
    "rows folded": (_folded_rows, [_X], ["Reshape", "MatMul", "Reshape"]),
    "one hot": (lambda x: tf.tanh(tf.reduce_sum(tf.einsum("bv,vd->bd", x, _TABLE)[:, None], 1)), [_X], None),
    "shape behind": (_shape_behind, [_X], ["MatMul"]),
    "split": (
        lambda x: tf.tanh(tf.split(x @ _OTHER, [2, 3], 1)[0]) * tf.split(x @ _OTHER, [2, 3], 1)[1][:, 1:],
        [_X],
        None,
    ),
    "also linear to the end": (lambda x: tf.reduce_sum(x @ _TABLE, 1) + tf.reduce_sum(tf.tanh(x), 1), [_X], None),
    "no gradient on one way": (lambda x: tf.tanh(x @ _TABLE + tf.stop_gradient(x)[:, :1]), [_X], ["MatMul"]),
    "in another dtype": (
        lambda x: tf.cast(tf.tanh(tf.cast(x, tf.float32) @ tf.cast(_TABLE, tf.float32)), tf.float64),
        [_X],
        ["Cast", "MatMul"],
    ),
    "a loop behind": (
        lambda x: tf.while_loop(lambda i, z: i < 3, lambda i, z: (i + 1, tf.tanh(z * 0.5)), (0, x @ _TABLE))[1],
        [_X],
        ["MatMul"],
    ),
    "linear": (lambda x: tf.reduce_sum(x @ _TABLE, 1), [_X], ["MatMul", "Sum"]),
    "select": (
        lambda x: tf.tanh(tf.where(tf.constant([[True, False, True, True]]), x, 2.0 * x) @ _TABLE),
        [_X],
        ["Mul", "SelectV2", "MatMul"],
    ),
}
_TEXTS = _RANDOM.normal(size=(3, 5, 4))
# Each of texts of any length, and the ops of its affine part.
_OF_ANY_LENGTH = {
    "dense": (
        lambda x: tf.tanh(tf.tensordot(x, _TABLE, 1) + _BIAS),
        ["Transpose", "Reshape", "MatMul", "Reshape", "AddV2"],
    ),
    "batched": (lambda x: tf.tanh(tf.matmul(x, _TABLE)), ["BatchMatMulV2"]),
    "einsum": (lambda x: tf.tanh(tf.einsum("btd,dv->btv", x, _TABLE)), ["Einsum"]),
    "convolution": (lambda x: tf.tanh(tf.nn.conv1d(x, tf.stack([_TABLE, _TABLE]), 1, "SAME")), None),
    "shape behind": (
        lambda x: tf.tanh(tf.matmul(x, _TABLE)) * tf.cast(tf.shape(x)[1], x.dtype) + tf.cast(tf.shape(x)[0], x.dtype),
        ["BatchMatMulV2"],
    ),
    "heads": (
        lambda x: tf.nn.softmax(tf.reshape(tf.matmul(x, _TABLE), [tf.shape(x)[0], -1, 2, 3])),
        ["BatchMatMulV2", "Reshape"],
    ),
    "two frontiers": (lambda x: tf.matmul(tf.matmul(x, _TABLE), tf.matmul(x, _TABLE), transpose_b=True), None),
}
_NOT_CUT_AT_ANY_LENGTH = {
    "rows of all positions": lambda x: tf.tanh(tf.reshape(x, [-1, 4]) @ _TABLE),
    "positions first": lambda x: tf.tanh(tf.matmul(tf.transpose(x, [1, 0, 2]), _TABLE)),
    "grows": lambda x: tf.tanh(tf.einsum("btd,su->btus", x, tf.ones([7, 6], x.dtype))),
}
_NOT_CUT = {
    "nonlinear at once": (lambda x: tf.tanh(x) @ _TABLE, [_X]),
    "of itself": (lambda x: tf.tanh(x * x), [_X]),
    "grows": (lambda x: tf.tanh(tf.nn.conv2d(x, tf.ones([3, 3, 2, 64], x.dtype), 1, "SAME")), [_IMAGES]),
    "grows without work": (lambda x: tf.tanh(tf.tile(x, [1, 2])), [_X]),
    "stays folded": (lambda x: tf.tanh(tf.reshape(x, [-1, 2]) @ _TABLE[:2]), [_X]),
}


def _cut(name):
    function, inputs, expected = _CUT[name]
    program = program_of(function, *inputs)
    return program, affine_prefix(program, program.inputs), inputs, expected


def _joined(program, cut, inputs):
    """Returns the values of suffix ∘ prefix, and the gradients of their sum."""

    @tf.function(autograph=False)
    def graph(*tensors):
        frontier = emit(cut.prefix, cut.feed(tensors))
        points = [tf.identity(tensor) for tensor in frontier]
        given = {**dict(zip(program.inputs, tensors, strict=True)), **dict(zip(cut.frontier, points, strict=True))}
        (output,) = emit(cut.suffix, given)
        behind = tf.gradients(output, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return output, tf.gradients(frontier, list(tensors), behind)

    output, gradients = graph(*map(tf.constant, inputs))
    return output.numpy(), [gradient.numpy() for gradient in gradients]


@pytest.mark.parametrize("name", _CUT)
def test_the_two_parts_are_the_program(name):
    program, cut, inputs, expected = _cut(name)
    assert cut is not None
    if expected is not None:
        assert [node.type for node in cut.ops if node.type != "Identity"] == expected
    output, gradients = _joined(program, cut, inputs)
    np.testing.assert_allclose(output, run_program(program, *inputs)[0], rtol=1e-13, atol=1e-14)
    tolerance = 1e-12 if name != "in another dtype" else 1e-6
    for found, other in zip(gradients, run_gradients(program, *inputs), strict=True):
        np.testing.assert_allclose(found, other, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", _CUT)
def test_what_is_behind_reads_no_number_of_what_is_before(name):
    program, cut, _, _ = _cut(name)
    for value in analyse(program.inputs, cut.suffix.outputs).nodes:
        assert value not in cut.ops
    assert not set(cut.suffix.outputs) & analyse(program.inputs, cut.suffix.outputs).varying


@pytest.mark.parametrize("name", _CUT)
def test_the_part_before_is_affine(name):
    """Its values between two points lie between its values there."""
    _, cut, inputs, _ = _cut(name)
    ends = [run_program(cut.prefix, *arrays) for arrays in (inputs, [array[::-1] * 3 for array in inputs])]
    middle = run_program(cut.prefix, *[0.25 * array + 0.75 * array[::-1] * 3 for array in inputs])
    for found, first, second in zip(middle, *ends, strict=True):
        tolerance = 1e-12 if found.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(found, 0.25 * first + 0.75 * second, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", _NOT_CUT)
def test_where_nothing_is_gained_nothing_is_cut(name):
    function, inputs = _NOT_CUT[name]
    program = program_of(function, *inputs)
    assert affine_prefix(program, program.inputs) is None


def _of_any_length(function):
    spec = tf.TensorSpec([None, None, 4], _TEXTS.dtype)
    return trace(source_of(function, input_signature=[spec]), None).program


@pytest.mark.parametrize("name", _OF_ANY_LENGTH)
def test_open_lengths_are_cut_alike(name):
    function, expected = _OF_ANY_LENGTH[name]
    program = _of_any_length(function)
    cut = affine_prefix(program, program.inputs)
    if expected is not None:
        assert [node.type for node in cut.ops] == expected
    assert not any(value in program.inputs for node in cut.suffix.nodes() for value in node.inputs)
    output, (gradient,) = _joined(program, cut, [_TEXTS])
    np.testing.assert_allclose(output, run_program(program, _TEXTS)[0], rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(gradient, run_gradients(program, _TEXTS)[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", _NOT_CUT_AT_ANY_LENGTH)
def test_what_has_no_row_for_each_example_is_not_cut(name):
    program = _of_any_length(_NOT_CUT_AT_ANY_LENGTH[name])
    assert affine_prefix(program, program.inputs) is None


def test_of_an_affine_program_nothing_is_left():
    _, cut, _, _ = _cut("linear")
    assert cut.suffix.outputs == cut.frontier


def test_a_second_time_finds_nothing():
    _, cut, _, _ = _cut("dense")
    assert affine_prefix(cut.suffix, cut.frontier) is None


def test_an_input_beside_is_no_affine_part():
    program = program_of(lambda x, mask: tf.tanh((x * mask) @ _TABLE), _X, _X)
    assert affine_prefix(program, program.inputs[:1]) is None
    program = program_of(lambda x, mask: tf.tanh((x @ _TABLE)[:, :4] * mask), _X, _X)
    cut = affine_prefix(program, program.inputs[:1])
    assert [node.type for node in cut.ops][:1] == ["MatMul"] and "Mul" in op_types(cut.suffix)
