"""Tests of `graph/sizes.py`: the symbolic sizes of open axes, compared with the sizes of computed values."""

import math

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.sizes import BATCH, EXAMPLES, Sizes, known, open_axis
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from tests.checks import run_program

_KERNEL = tf.constant(np.random.default_rng(0).normal(size=(4, 6)))


def _merged(x: tf.Tensor) -> tf.Tensor:
    return tf.reshape(x, [-1, 4])


def _heads(x: tf.Tensor) -> tf.Tensor:
    split = tf.reshape(tf.tensordot(x, _KERNEL, 1), [tf.shape(x)[0], -1, 2, 3])
    return tf.transpose(split, [0, 2, 1, 3])


_CASES = {
    "itself": lambda x: x + 1.0,
    "dense": lambda x: tf.tensordot(x, _KERNEL, 1),
    "merged": _merged,
    "and back": lambda x: tf.reshape(_merged(x) @ _KERNEL, tf.concat([tf.shape(x)[:2], [6]], 0)),
    "heads": _heads,
    "scores": lambda x: tf.matmul(_heads(x), _heads(x), transpose_b=True),
    "einsum": lambda x: tf.einsum("btd,dv->vtb", x, _KERNEL),
    "means": lambda x: x - tf.reduce_mean(x, -1, keepdims=True),
    "the last": lambda x: x[:, -1:, 0],
    "more axes": lambda x: tf.squeeze(x[:, None, ..., None], 1),
    "in groups": lambda x: tf.reshape(x, [tf.shape(x)[0], tf.shape(x)[1] * 2, 2]),
}


@pytest.mark.parametrize("name", _CASES)
def test_sizes_are_those_of_the_values(name: str):
    spec = tf.TensorSpec([None, None, 4], tf.float64)
    program = trace(source_of(_CASES[name], input_signature=[spec]), None).program
    sizes, (x,) = Sizes(program, program.inputs), program.inputs
    assert sizes.of(x) == (EXAMPLES, open_axis((x, 1)), known(4))
    lengths = {BATCH: 3, (x, 1): 5}
    values = [value for node in program.nodes() for value in node.outputs() if value.dtype.is_floating]
    found = run_program(Program(program.inputs, tuple(values)), np.ones((3, 5, 4)))
    for value, array in zip(values, found, strict=True):
        powers = [
            math.prod([size.factor, *(lengths[axis] ** n for axis, n in size.powers)]) for size in sizes.of(value)
        ]
        assert powers == list(array.shape), value.node.name


def test_what_is_not_known_is_a_size_of_its_own():
    spec = tf.TensorSpec([None, None, 4], tf.float64)
    program = trace(source_of(lambda x: tf.boolean_mask(x, x[:, :, 0] > 0), input_signature=[spec]), None).program
    (output,) = program.outputs
    first, last = Sizes(program, program.inputs).of(output)
    assert last == known(4) and first.number is None and not first.has(BATCH)
