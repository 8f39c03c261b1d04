"""Tests of `graph/passes/see_through.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.passes import see_through
from tests.checks import described, explain, op_types, program_of, run_program

_X = np.linspace(-2, 2, 6).reshape(2, 3)


@tf.custom_gradient
def _reversed(z):
    """The identity, with a gradient that says the opposite."""
    return tf.identity(z), lambda upstream: -upstream


@tf.custom_gradient
def _nothing(z):
    return tf.tanh(z) * 2.0, lambda upstream: tf.zeros_like(upstream)


_FUNCTIONS = {
    "identity": _reversed,
    "tanh": _nothing,
    "silu": tf.nn.silu,
    "two": lambda z: _reversed(_nothing(z)) + 1.0,
    "log_sigmoid": keras.activations.log_sigmoid,
    "loop": tf.function(lambda z: tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, _nothing(y)), [0, z])[1]),
    "none": tf.sinh,
}


def _all_nodes(program):
    for node in program.nodes():
        yield node
        for body in node.bodies.values():
            yield from _all_nodes(body)


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_values_are_unchanged(name):
    program = program_of(_FUNCTIONS[name], _X)
    (before,), (after,) = run_program(program, _X), run_program(see_through(program), _X)
    np.testing.assert_array_equal(after, before)
    np.testing.assert_allclose(after, _FUNCTIONS[name](tf.constant(_X)), rtol=1e-14)


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_a_second_time_changes_nothing(name):
    once = see_through(program_of(_FUNCTIONS[name], _X))
    assert described(see_through(once)) == described(once)


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_it_still_compiles(name):
    seen = see_through(program_of(_FUNCTIONS[name], _X))
    (found,) = run_program(seen, _X, jit_compile=True)
    np.testing.assert_allclose(found, _FUNCTIONS[name](tf.constant(_X)), rtol=1e-12)


@pytest.mark.parametrize("name", ["identity", "tanh", "silu", "two", "loop"])
def test_no_gradient_of_the_user_is_left(name):
    program = program_of(_FUNCTIONS[name], _X)
    assert any(node.gradient is not None for node in _all_nodes(program))
    seen = see_through(program)
    assert "IdentityN" not in op_types(seen)
    assert not any(node.gradient is not None for node in _all_nodes(seen))


@pytest.mark.parametrize("name", ["identity", "tanh", "two", "loop"])
def test_deeplift_sums_whatever_the_users_gradient_says(name):
    e = explain(_FUNCTIONS[name], "deeplift", _X, target=1, baseline=0.25)
    assert (np.abs(e.outputs - e.baseline_outputs) > 0.1).all()
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-13)


def test_epsilon_lrp_sees_the_function_itself():
    found = explain(_nothing, "epsilon_lrp", _X, target=2, epsilon=1e-12).attributions
    np.testing.assert_allclose(found[:, 2], 2 * np.tanh(_X[:, 2]), rtol=1e-9)


def test_gradient_methods_keep_the_users_gradient():
    for method in ("saliency", "guided_backprop", "deconvnet"):
        np.testing.assert_array_equal(explain(_nothing, method, _X, target=0).attributions, np.zeros((2, 3)))
    signed = explain(_reversed, "saliency", _X, target=0, signed=True).attributions
    np.testing.assert_array_equal(signed, [[-1, 0, 0], [-1, 0, 0]])
    path = explain(_reversed, "integrated_gradients", _X, target=0).attributions
    np.testing.assert_allclose(path[:, 0], -_X[:, 0], rtol=1e-13)
