"""Tests of `graph/dense.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.dense import is_dense
from tests.checks import program_of

_RANDOM = np.random.default_rng(0)
_X, _IMAGES = _RANDOM.normal(size=(3, 4)), _RANDOM.normal(size=(2, 5, 5, 4))
_TABLE, _SQUARE, _KERNEL, _BIAS = (
    tf.constant(_RANDOM.normal(size=shape)) for shape in ((4, 6), (4, 4), (3, 3, 4, 6), (6,))
)

_DENSE = {
    "one layer": lambda x: tf.tanh(x @ _TABLE + _BIAS),
    "a function before": lambda x: tf.sigmoid(x) @ _TABLE,
    "its bias by name": lambda x: tf.nn.relu(tf.nn.bias_add(x @ _TABLE, _BIAS)),
    "two layers": lambda x: tf.nn.elu(tf.tanh(x @ _SQUARE) @ _TABLE),
    "a way around": lambda x: x + tf.tanh(x @ _SQUARE),
    "gated": lambda x: tf.sigmoid(x @ _SQUARE) * tf.tanh(x @ _SQUARE),
    "one unit": lambda x: tf.squeeze(tf.tanh(x @ _TABLE)[:, :1], 1),
}
_OTHER = {
    "affine": lambda x: x @ _TABLE + _BIAS,
    "no product": tf.tanh,
    "its own product": lambda x: tf.tanh(tf.matmul(x, x, transpose_b=True)),
    "a sum over units": lambda x: tf.reduce_sum(tf.tanh(x @ _TABLE), 1),
    "softmax": lambda x: tf.nn.softmax(tf.tanh(x @ _TABLE)),
    "gathered": lambda x: tf.gather(tf.tanh(x @ _TABLE), [0, 2], axis=1),
}


@pytest.mark.parametrize("name", _DENSE)
def test_products_with_scalar_functions(name: str):
    program = program_of(_DENSE[name], _X)
    assert is_dense(program.inputs, program.outputs)


@pytest.mark.parametrize("name", _OTHER)
def test_what_has_other_ops(name: str):
    program = program_of(_OTHER[name], _X)
    assert not is_dense(program.inputs, program.outputs)


def test_a_convolution_is_not_dense():
    program = program_of(lambda x: tf.reshape(tf.tanh(tf.nn.conv2d(x, _KERNEL, 1, "SAME")), [-1, 150]), _IMAGES)
    assert not is_dense(program.inputs, program.outputs)


def test_only_what_varies_is_looked_at():
    program = program_of(lambda x, y: tf.tanh(x @ _TABLE) + tf.reduce_sum(tf.nn.softmax(y), 1, True), _X, _X)
    first, second = program.inputs
    assert is_dense([first], program.outputs)
    assert not is_dense([first, second], program.outputs)
