"""Tests of `compiled.py`: XLA where it can."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine.compiled import XlaWithFallback
from deepexplain_tf.errors import InputError

_SPEC = [tf.TensorSpec([None, 3], tf.float64)]
_X = np.array([[1.0, 2.0, 3.0]])


def test_what_xla_compiles_stays_compiled():
    reasons: list[str] = []
    program = XlaWithFallback(lambda x: x * 2.0, _SPEC, reasons.append)
    for _ in range(2):
        np.testing.assert_array_equal(program(tf.constant(_X)), 2 * _X)
    assert not reasons


def test_what_xla_refuses_runs_without_it_and_says_why():
    reasons: list[str] = []
    program = XlaWithFallback(
        lambda x: tf.strings.to_number(tf.strings.as_string(x), tf.float64), _SPEC, reasons.append
    )
    for _ in range(2):
        np.testing.assert_array_equal(program(tf.constant(_X)), _X)
    assert len(reasons) == 1


def test_a_call_inside_a_graph_does_not_count_as_compiled():
    reasons: list[str] = []
    program = XlaWithFallback(
        lambda x: tf.strings.to_number(tf.strings.as_string(x), tf.float64), _SPEC, reasons.append
    )
    tf.function(lambda x: program(x)).get_concrete_function(*_SPEC)
    np.testing.assert_array_equal(program(tf.constant(_X)), _X)
    assert len(reasons) == 1


def test_what_the_inputs_are_to_blame_for_is_raised():
    program = XlaWithFallback(lambda x: tf.debugging.check_numerics(x, "not a number"), _SPEC, pytest.fail)
    np.testing.assert_array_equal(program(tf.constant(_X)), _X)
    fresh = XlaWithFallback(lambda x: tf.linalg.inv(tf.reshape(x, [-1, 2, 2])), _SPEC, pytest.fail)
    with pytest.raises(tf.errors.InvalidArgumentError):
        fresh(tf.constant(_X))


def _with_strings(x):
    """A loop, which XLA would be chosen for, around an op that it has not."""

    def turn(number, state):
        return number + 1, state + tf.sin(state) * tf.strings.to_number(tf.strings.as_string(number), tf.float32)

    return tf.while_loop(lambda number, _: number < 4, turn, (0, x), maximum_iterations=4)[1]


def test_an_explanation_notes_it():
    x = np.array([[0.5, -0.25]], np.float32)
    found = {}
    for jit_compile in ("auto", False):
        with dx.DeepExplain(_with_strings, jit_compile=jit_compile) as de:
            found[jit_compile] = [de.explain("integrated_gradients", x, target=0) for _ in range(2)]
    for e in found["auto"]:
        assert any("not compiled by XLA" in note for note in e.notes)
        np.testing.assert_allclose(e.attributions, found[False][0].attributions, rtol=1e-6)
    assert not any("XLA" in note for note in found[False][0].notes)


@pytest.mark.long  # TensorFlow needs seconds to write the message
def test_where_xla_is_asked_for_it_is_an_error():
    with dx.DeepExplain(_with_strings, jit_compile=True) as de, pytest.raises((InputError, dx.DeepExplainError)):
        de.explain("integrated_gradients", np.array([[0.5, -0.25]], np.float32), target=0)
