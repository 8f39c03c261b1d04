"""Tests of `graph/passes/choices.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.passes import choices
from tests.checks import described, explain, in_turn, op_types, program_of, run_program

X = np.random.default_rng(0).normal(size=(4, 3, 2))
X[1, 0] = X[2, 1, 0] = 0


def _any(x):
    return tf.reduce_any(tf.not_equal(x, 0), -1)


def _number(condition):
    return tf.cast(condition, tf.float64)


def _twice(step, x):
    return tf.while_loop(lambda i, _: i < 2, lambda i, y: (i + 1, step(y)), [0, x])[1]


# Names of products with a condition, with the choices that they are.
_PAIRS = {
    "mask": (lambda x: x * _number(_any(x)[..., None]), lambda x: tf.where(_any(x)[..., None], x, 0)),
    "mask first": (lambda x: _number(_any(x[..., None])) * x, lambda x: tf.where(_any(x[..., None]), x, 0)),
    "moved": (
        lambda x: x * tf.tile(tf.expand_dims(_number(_any(x)), 2), [1, 1, 2]),
        lambda x: tf.where(_any(x)[..., None], x, 0),
    ),
    "twice cast": (
        lambda x: x * tf.reshape(_number(tf.cast(_any(x), tf.int32)), [-1, 3, 1]),
        lambda x: tf.where(_any(x)[..., None], x, 0),
    ),
    "denied": (
        lambda x: x * (1 - _number(_any(x)[..., None])),
        lambda x: tf.where(_any(x)[..., None], tf.zeros_like(x), x),
    ),
    "both": (
        lambda x: x * (_number(_any(x)[..., None]) * _number(_any(x[:, ::-1])[..., None])),
        lambda x: tf.where(_any(x)[..., None] & _any(x[:, ::-1])[..., None], x, 0),
    ),
    "loop": (
        lambda x: _twice(lambda y: y * _number(_any(y)[..., None]), x),
        lambda x: _twice(lambda y: tf.where(_any(y)[..., None], y, 0), x),
    ),
}


@pytest.mark.parametrize("name", _PAIRS)
def test_values_are_unchanged_and_a_second_time_changes_nothing(name):
    program = program_of(_PAIRS[name][0], X)
    once = choices(program, program.inputs)
    (before,), (after,), (compiled,) = (
        run_program(program, X),
        run_program(once, X),
        run_program(once, X, jit_compile=True),
    )
    np.testing.assert_array_equal(after, before)
    np.testing.assert_array_equal(compiled, before)
    assert described(choices(once, once.inputs)) == described(once)
    assert "SelectV2" in op_types(once) or name == "loop"


def test_other_products_stay():
    program = program_of(lambda x, mask: x * _number(mask) * tf.tanh(x) * _number(x), X, X > 0)
    assert described(choices(program, program.inputs[:1])) == described(program)


@pytest.mark.parametrize("method", ["deeplift", pytest.param("epsilon_lrp", marks=pytest.mark.long)])  # of one pass
@pytest.mark.parametrize("name", in_turn(_PAIRS))
def test_a_product_is_explained_as_the_choice_that_it_is(name, method):
    product, choice = (
        explain(lambda x, f=function: tf.tanh(f(x)), method, X, target=lambda y: tf.reduce_sum(y, [1, 2]))
        for function in _PAIRS[name]
    )
    np.testing.assert_allclose(product.attributions, choice.attributions, rtol=1e-12)
    assert np.abs(product.attributions).max() > (0.1 if name != "denied" else -1)
