"""Tests of `graph/passes/invariants.py`."""

import numpy as np
import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import Program
from deepexplain_tf.graph.passes import fold, hoistable
from deepexplain_tf.graph.passes.invariants import invariants
from tests.checks import explain, program_of

_X = np.linspace(-1, 1, 8).reshape(2, 4)
_VARIABLE = tf.Variable(np.linspace(0.5, 2, 12).reshape(4, 3))


def _types(values):
    return sorted(value.node.type for value in values)


def _values(values):
    @tf.function(autograph=False)
    def graph():
        return emit(Program((), tuple(values)), {})

    return [tensor.numpy() for tensor in graph()]


def test_what_depends_on_variables_alone_is_found():
    program = program_of(lambda x: tf.tanh(x @ tf.exp(_VARIABLE)) * tf.sqrt(tf.abs(_VARIABLE[0])), _X)
    found = _types(invariants(program))
    assert {"Exp", "Sqrt", "Abs"} <= set(found)
    assert not {"MatMul", "Tanh", "Argument"} & set(found)


def test_only_real_numbers_that_others_read_are_made_ready():
    program = program_of(lambda x: tf.tanh(x @ tf.exp(_VARIABLE * 2.0)) * tf.cast(tf.range(3) + 1, x.dtype), _X)
    made = hoistable(program)
    assert _types(made) == ["Cast", "Exp"]
    values = {value.node.type: array for value, array in zip(made, _values(made), strict=True)}
    np.testing.assert_allclose(values["Exp"], np.exp(2 * _VARIABLE.numpy()))


def test_random_numbers_are_drawn_anew():
    program = program_of(lambda x: x * tf.exp(tf.random.uniform([4], dtype=x.dtype)), _X)
    assert not any("Random" in name or name == "Exp" for name in _types(invariants(program)))
    assert not any(value.node.type == "Exp" for value in hoistable(program))


def test_what_reads_the_number_of_examples_is_not_made_ready():
    program = program_of(lambda x: x * tf.cast(tf.range(tf.shape(x)[0]), x.dtype)[:, None], _X)
    assert not {"Shape", "Range", "Cast"} & set(_types(invariants(program)))


def test_folded_kernels_are_made_ready():
    program = program_of(lambda x: tf.tanh((x @ _VARIABLE + 0.5 * _VARIABLE[1]) * _VARIABLE[2]), _X)
    folded = fold(program, program.inputs, 8)
    values = _values(hoistable(folded))
    table = _VARIABLE.numpy()
    assert sorted(value.shape for value in values) == [(3,), (4, 3)]
    kernel, bias = sorted(values, key=np.ndim, reverse=True)
    np.testing.assert_allclose(kernel, table * table[2], rtol=1e-13)
    np.testing.assert_allclose(bias, 0.5 * table[1] * table[2], rtol=1e-13)


def test_numbers_drawn_with_a_fixed_seed_are_those_of_the_model():
    def model(x):
        return tf.reduce_sum(tf.square(x) * tf.random.stateless_uniform([4], [1, 2], 1.0, 2.0, x.dtype), 1)

    e = explain(model, "integrated_gradients", _X, n_steps=8)
    noise = tf.random.stateless_uniform([4], [1, 2], 1.0, 2.0, tf.float64).numpy()
    np.testing.assert_allclose(e.attributions, _X**2 * noise, rtol=1e-12)
