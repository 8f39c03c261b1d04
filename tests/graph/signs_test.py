"""Tests of `graph/signs.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.signs import never_negative
from tests.checks import program_of, run_program

X = np.random.default_rng(0).normal(size=(3, 4, 4, 2))

KNOWN = {
    "relu": tf.nn.relu,
    "pooled": lambda x: tf.nn.max_pool2d(tf.nn.relu6(x), 2, 2, "VALID"),
    "residual": lambda x: tf.nn.relu(x) + tf.sigmoid(x),
    "padded": lambda x: tf.pad(tf.reduce_mean(tf.square(x), 3), [[0, 0], [1, 1], [0, 0]]),
    "larger": lambda x: tf.maximum(tf.minimum(x, 3), 0.0),
    "scaled": lambda x: 0.5 * tf.concat([tf.abs(x), tf.exp(x)], 3),
}
OPEN = {
    "itself": tf.identity,
    "negated": lambda x: -tf.nn.relu(x),
    "difference": lambda x: tf.nn.relu(x) - 1,
    "shifted": lambda x: tf.nn.relu(x) + tf.constant(-0.5, x.dtype),
    "padded below": lambda x: tf.pad(tf.nn.relu(x), [[0, 0], [1, 1], [0, 0], [0, 0]], constant_values=-1),
    "smaller": lambda x: tf.minimum(tf.nn.relu(x), x),
    "in part": lambda x: tf.concat([tf.nn.relu(x), x], 1),
}


@pytest.mark.parametrize("name", [*KNOWN, *OPEN])
def test_what_is_never_negative(name):
    program = program_of({**KNOWN, **OPEN}[name], X)
    found = never_negative(program)
    assert (program.outputs[0] in found) == (name in KNOWN)
    floats = [value for value in found if value.dtype.is_floating]
    for values in run_program(Program(program.inputs, tuple(floats)), X):
        assert (np.asarray(values) >= 0).all()
