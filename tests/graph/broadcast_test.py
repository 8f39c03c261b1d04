"""Sums and products whose broadcasting is known have the gradient of TensorFlow's own."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.broadcast import gradient_name
from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.read import read_function

_OPS = {"AddV2": tf.raw_ops.AddV2, "Add": tf.raw_ops.Add, "Sub": tf.raw_ops.Sub, "Mul": tf.raw_ops.Mul}
_KNOWN = [
    ([None, 4, 3], [3]),
    ([3], [None, 4, 3]),
    ([None, 4, 3], [1, 4, 1]),
    ([None, 1], [1, 3]),
    ([None, 2], []),
    ([None, 1, 3], [4, 1]),
    ([2, 3], [2, 3]),
]
_OPEN = [([None, 3], [None, 3]), ([None, 3], [2, 3]), ([None], [2, 3]), (None, [3])]


def _traced(op, shapes):
    """Returns a program of one op, and the op."""
    specs = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
    function = tf.function(lambda a, b: op(x=a, y=b), autograph=False).get_concrete_function(*specs)
    program, _ = read_function(function)
    (node,) = (node for node in program.nodes() if node.type in _OPS)
    return program, node


def _gradients(program, operands, weights):
    """Returns the gradients of the emitted program, and the names under which they are registered."""

    def graph(a, b, upstream):
        (output,) = emit(program, dict(zip(program.inputs, (a, b), strict=True)))
        return tf.gradients(output, [a, b], upstream), output

    specs = [value.spec for value in program.inputs]
    function = tf.function(graph, input_signature=[*specs, tf.TensorSpec(None, tf.float64)], autograph=False)
    return function(*operands, weights)


@pytest.mark.parametrize("op", _OPS)
@pytest.mark.parametrize("shapes", _KNOWN, ids=str)
def test_the_gradient_is_tensorflows(op, shapes):
    program, node = _traced(_OPS[op], shapes)
    assert gradient_name(node) is not None
    rng = np.random.default_rng(3)
    operands = [rng.normal(size=[5 if size is None else size for size in shape]) for shape in shapes]
    weights = rng.normal(size=np.broadcast_shapes(*(operand.shape for operand in operands)))
    found, _ = _gradients(program, operands, weights)
    with tf.GradientTape() as tape:
        tensors = [tf.constant(operand) for operand in operands]
        tape.watch(tensors)
        output = tf.reduce_sum(_OPS[op](x=tensors[0], y=tensors[1]) * weights)
    for ours, theirs, operand in zip(found, tape.gradient(output, tensors), operands, strict=True):
        assert ours.shape == operand.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-14)


@pytest.mark.parametrize("shapes", _OPEN, ids=str)
def test_where_the_broadcasting_is_open_tensorflow_finds_out(shapes):
    _, node = _traced(tf.raw_ops.Mul, shapes)
    assert gradient_name(node) is None


def test_complex_products_are_left_to_tensorflow():
    spec = tf.TensorSpec([None, 3], tf.complex64)
    function = tf.function(lambda z: z * tf.ones([3], tf.complex64), autograph=False).get_concrete_function(spec)
    program, _ = read_function(function)
    assert [gradient_name(node) for node in program.nodes()] == [None] * len(program.nodes())
