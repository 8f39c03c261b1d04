"""Tests of `graph/passes/neurons.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.ir import NEURON
from deepexplain_tf.graph.kinds import Kind
from deepexplain_tf.graph.passes import form_groups, form_neurons
from tests.checks import described, op_types, program_of, run_program

_X, _Y = np.random.default_rng(0).normal(size=(2, 3, 4))
_W = np.random.default_rng(1).normal(size=(4, 4))
_ALL = (Kind.CONVOLUTION, Kind.DENSE, Kind.LINEAR)


def _formed(function, kinds=_ALL, kept=(), inputs=(_X,)):
    program = program_of(function, *inputs)
    return form_neurons(form_groups(program, program.inputs), program.inputs, kinds, kept)


def _several(x):
    """A skip connection, a group, and a loop."""
    hidden = tf.nn.relu(tf.matmul(x, _W) + 0.5)
    hidden = tf.tanh(hidden + tf.matmul(hidden, _W))
    z = tf.matmul(hidden, _W) - 0.25
    _, z = tf.while_loop(lambda n, _: n < 2, lambda n, z: (n + 1, tf.tanh(tf.matmul(z, _W))), (0, z * tf.sigmoid(z)))
    return z


@pytest.mark.parametrize("jit_compile", [False, True])
def test_values_are_the_same(jit_compile):
    expected = run_program(program_of(_several, _X), _X)
    found = run_program(_formed(_several), _X, jit_compile=jit_compile)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_a_second_time_changes_nothing():
    formed = _formed(_several)
    assert described(form_neurons(formed, formed.inputs, _ALL)) == described(formed)


_CASES = {
    "relu(x·W + b)": (lambda x: tf.nn.relu(tf.nn.bias_add(tf.matmul(x, _W), _W[0])), [NEURON]),
    "relu(x)": (lambda x: tf.nn.relu(x), ["Relu"]),
    "relu(2x + 1)": (lambda x: tf.nn.relu(2 * x + 1), ["Mul", "AddV2", "Relu"]),
    "exp(x·W)": (lambda x: tf.exp(tf.matmul(x, _W)), ["MatMul", "Exp"]),
    "relu(x · softmax(x))": (lambda x: tf.nn.relu(x * tf.nn.softmax(x)), ["Softmax", "Mul", "Relu"]),
    "relu(relu(x·W))": (lambda x: tf.nn.relu(tf.nn.relu(tf.matmul(x, _W))), [NEURON, "Relu"]),
    "max(x·W, 0)": (lambda x: tf.maximum(tf.matmul(x, _W), 0.0), [NEURON]),
    "relu(Σ x)": (lambda x: tf.nn.relu(tf.reduce_sum(x, 1)), [NEURON]),
    "relu(2(x·W·W))": (lambda x: tf.nn.relu(2 * tf.matmul(tf.matmul(x, _W), _W)), ["MatMul", NEURON]),
}


@pytest.mark.parametrize("case", _CASES)
def test_what_a_neuron_is(case):
    function, expected = _CASES[case]
    assert op_types(_formed(tf.autograph.experimental.do_not_convert(function))) == expected


def _read_twice(x):
    """The sum in front of the nonlinearity is one, its first summand, which is read again, begins it."""
    summand = tf.matmul(x, _W)
    total = summand + tf.matmul(x, _W * 2)
    return tf.nn.relu(total) + tf.reverse(total, [1]) + summand


def test_a_summand_that_is_read_elsewhere_begins_a_neuron():
    assert op_types(_formed(_read_twice)).count("MatMul") == 2  # for what else is read
    (neuron,) = (node for node in _formed(_read_twice).nodes() if node.type == NEURON)
    assert [node.type for node in neuron.bodies["front"].nodes()].count("MatMul") == 1


def test_kinds_and_what_is_kept():
    def model(x, y):
        x = tf.nn.relu(tf.nn.conv1d(x[:, :, None], _W[:2, None, :1], 1, "SAME"))[:, :, 0]
        return tf.tanh(x + y) + tf.sigmoid(tf.matmul(x, _W))

    def kept(*arguments):
        types = op_types(_formed(model, *arguments, inputs=(_X, _Y)))
        return [name for name in ("Relu", "Tanh", "Sigmoid") if name in types]

    assert kept() == []
    assert kept((Kind.DENSE,)) == ["Relu", "Tanh"]
    assert kept((Kind.CONVOLUTION, Kind.LINEAR)) == ["Sigmoid"]
    assert kept(_ALL, ("Tanh", "MatMul")) == ["Tanh", "Sigmoid"]
    assert kept(_ALL, ("activation",)) == ["Relu", "Tanh", "Sigmoid"]
