"""Tests of `graph/read.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.errors import ModelError
from deepexplain_tf.graph.ir import ARGUMENT, CAPTURE
from deepexplain_tf.graph.read import argument, read_function
from tests.checks import explain, op_types, program_of, run_program

_X = np.linspace(-2, 2, 8).reshape(2, 4)


def _read(function, *specs):
    return read_function(tf.function(function).get_concrete_function(*specs))


def _spec(*shape, dtype=tf.float64):
    return tf.TensorSpec([None, *shape], dtype)


def test_inputs_are_arguments_in_their_order():
    program, _ = _read(lambda a, b: (b * 2.0, a), _spec(3), _spec(2))
    assert [value.node.type for value in program.inputs] == [ARGUMENT, ARGUMENT]
    assert [value.shape.as_list() for value in program.inputs] == [[None, 3], [None, 2]]
    assert [value.shape.as_list() for value in program.outputs] == [[None, 2], [None, 3]]
    first, second = run_program(program, _X[:, :3], _X[:, :2])
    np.testing.assert_array_equal(first, 2 * _X[:, :2])
    np.testing.assert_array_equal(second, _X[:, :3])


def test_nodes_know_dtypes_and_shapes():
    program = program_of(lambda x: tf.cast(tf.reduce_sum(x, 1), tf.float32), _X)
    (output,) = program.outputs
    assert (output.dtype, output.shape.as_list()) == (tf.float32, [None])
    assert output.spec == tf.TensorSpec([None], tf.float32)
    assert output.differentiable
    assert not program_of(lambda x: x > 0, _X).outputs[0].differentiable


def test_nodes_come_after_those_that_they_read():
    nodes = program_of(lambda x: tf.tanh(x) * tf.exp(x) + x, _X).nodes()
    places = {node: place for place, node in enumerate(nodes)}
    assert all(places[value.node] < places[node] for node in nodes for value in node.inputs)
    assert len(places) == len(nodes)


def test_calls_are_entered():
    @tf.function
    def inner(z):
        return tf.tanh(z) + 1.0

    @tf.function
    def outer(z):
        return inner(z) * inner(2.0 * z)

    program = program_of(lambda x: outer(x), _X)
    assert sorted(op_types(program)) == ["AddV2", "AddV2", "Mul", "Mul", "Tanh", "Tanh"]
    np.testing.assert_allclose(run_program(program, _X)[0], outer(tf.constant(_X)), rtol=1e-14)


def test_calls_with_several_outputs_and_unused_inputs():
    @tf.function
    def inner(a, unused, b):
        return {"sum": a + b, "both": [a * b, b]}

    def model(x):
        made = inner(x, 3 * x, tf.exp(x))
        return made["both"][0] - made["sum"] + made["both"][1]

    np.testing.assert_allclose(run_program(program_of(model, _X), _X)[0], model(tf.constant(_X)), rtol=1e-14)


def test_what_no_output_needs_is_left_out():
    def model(x):
        tf.exp(x)
        return tf.tanh(x)

    assert op_types(program_of(model, _X)) == ["Tanh"]


def test_variables_are_captured_and_follow_training():
    variable = tf.Variable(np.arange(4.0))
    program = program_of(lambda x: x * variable, _X)
    assert [node.type for node in program.nodes()].count(CAPTURE) == 1
    np.testing.assert_array_equal(run_program(program, _X)[0], _X * np.arange(4))
    variable.assign([1, 1, 1, 2.0])
    np.testing.assert_array_equal(run_program(program, _X)[0], _X * [1, 1, 1, 2])


def test_eager_tensors_are_captured():
    constant = tf.constant(np.full((4, 300), 0.5))
    program = program_of(lambda x: x @ constant, _X)
    np.testing.assert_allclose(run_program(program, _X)[0], _X @ np.full((4, 300), 0.5), rtol=1e-14)


def test_ops_with_several_outputs():
    def model(x):
        first, *_, last = tf.unstack(x, axis=1)
        mean, variance = tf.nn.moments(x, [1])
        return tf.stack([last, first, mean, variance], 1)

    np.testing.assert_allclose(run_program(program_of(model, _X), _X)[0], model(tf.constant(_X)), rtol=1e-14)


def test_users_own_gradients_are_kept_as_programs():
    @tf.custom_gradient
    def scaled(z):
        factor = tf.exp(z)
        return tf.tanh(z), lambda upstream: upstream * factor * 3.0

    nodes = [node for node in program_of(scaled, _X).nodes() if node.gradient is not None]
    assert [node.type for node in nodes] == ["IdentityN"]
    gradient = nodes[0].gradient
    assert len(gradient.inputs) == 2 * len(nodes[0].inputs) == 2 * len(gradient.outputs)  # upstream, and outputs


def test_users_own_gradient_of_a_keras_activation():
    program = program_of(keras.activations.silu, _X)
    assert any(node.gradient is not None for node in program.nodes())
    np.testing.assert_allclose(run_program(program, _X)[0], keras.activations.silu(tf.constant(_X)), rtol=1e-14)


def test_values_of_tensors_can_be_found_inside_calls():
    seen = []

    @tf.function
    def inner(z):
        seen.append(tf.tanh(z))
        return seen[0] + 1.0

    program, reader = _read(lambda x: inner(x) * 2.0, _spec(4))
    value = reader.find(seen[0])
    assert value.node.type == "Tanh"
    assert value.node in program.nodes()
    with tf.Graph().as_default():
        assert reader.find(tf.constant(1.0)) is None


def test_a_shared_value_is_read_once():
    def model(x):
        shared = tf.tanh(x)
        return shared + shared * shared

    assert sorted(op_types(program_of(model, _X))) == ["AddV2", "Mul", "Tanh"]


def test_argument_is_a_new_input():
    value = argument("somewhere", tf.TensorSpec([None, 2], tf.float32))
    assert (value.node.type, value.node.name, value.dtype) == (ARGUMENT, "somewhere", tf.float32)
    assert argument("somewhere", value.spec) != value


def _loop_with(change):
    """The graph of a loop, after a change of the FunctionDef of its body."""

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float64, "x")], autograph=False)
    def loop(x):
        return tf.identity(tf.while_loop(lambda n, _: n < 3, lambda n, x: (n + 1, x * 0.5), [0, x])[1], name="y")

    graph_def = loop.get_concrete_function().graph.as_graph_def()
    change({function.signature.name.split("_")[1]: function for function in graph_def.library.function})
    return graph_def


def test_a_loop_whose_functions_are_of_another_signature_is_refused():
    def without_output(functions):
        del functions["cond"].signature.output_arg[:]

    def swapped_outputs(functions):
        first, second = functions["body"].signature.output_arg[2:4]
        first.type, second.type = second.type, first.type
        first.name, second.name = second.name, first.name

    explain(_loop_with(lambda functions: None), "deeplift", _X, output="y", target=1)
    for change in (without_output, swapped_outputs):
        with pytest.raises(ModelError, match=r"take and return the dtypes of its op.*'while' \(StatelessWhile\)"):
            explain(_loop_with(change), "deeplift", _X, output="y", target=1)
