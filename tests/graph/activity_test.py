import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.activity import changes_rows
from tests.checks import explain, program_of, relative_gap

_X = np.random.default_rng(0).normal(size=(3, 4, 6))


def _windows(x):
    return tf.reshape(tf.tanh(tf.reshape(x, (-1, 2, 6))), (-1, 24))


def _two_batches(x):
    return tf.concat(tf.split(tf.sigmoid(tf.concat([x, 2 * x], 0)), 2, 0), 1)


def _repeated(x):
    return tf.split(tf.nn.elu(tf.tile(x, [2, 1, 1])), 2, 0)[1] ** 2


def _dilated(x):
    there = tf.space_to_batch(x[..., tf.newaxis], [2, 3], [[0, 0], [0, 0]])
    return tf.batch_to_space(tf.math.softplus(there), [2, 3], [[0, 0], [0, 0]])


def _within_examples(x):
    x = tf.transpose(tf.reshape(x, (-1, 2, 12)), (1, 0, 2))
    x = tf.concat([tf.tanh(x), tf.reshape(x, (2, -1, 12))], axis=2)
    return tf.reshape(tf.transpose(x, (1, 0, 2)), (-1, 48))


@pytest.mark.parametrize("function", [_windows, _two_batches, _repeated, _dilated])
def test_examples_may_be_folded_into_other_axes(function):
    program = program_of(function, _X)
    assert changes_rows(program.inputs, program)
    e = explain(lambda x: tf.reduce_mean(function(x), list(range(1, len(function(x).shape)))), "deeplift", _X)
    assert relative_gap(e).max() <= 1e-9


def test_rows_that_stay():
    program = program_of(_within_examples, _X)
    assert not changes_rows(program.inputs, program)
