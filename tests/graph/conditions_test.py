"""Tests of `graph/passes/conditions.py`, and of the multipliers that conditions get through it."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.activity import active_ops
from deepexplain_tf.graph.kinds import Kind, kind_of
from deepexplain_tf.graph.passes import number_conditions
from tests.checks import assert_sums, described, explain, in_turn, program_of, run_program

X = np.random.default_rng(0).normal(size=(5, 4, 3))
X[1, 0] = X[2, 1, 0] = 0
BASELINE = np.where(np.arange(3) == 1, 0.2, -0.3) * np.ones((4, 1))


def _any(x):
    return tf.reduce_any(x > 0.4, -1)


def _flags(x):
    """Truth values that a loop collects in a list, and reads in another loop."""
    written = tf.TensorArray(tf.bool, 4, element_shape=[None])
    for n in range(4):
        written = written.write(n, _any(x[:, n]))
    return tf.transpose(written.stack())


def _while(x):
    def step(n, done, y):
        y = tf.where(done[:, None], y, tf.tanh(y + x[:, n]))
        return n + 1, done | (y[:, 0] > 0.5), y

    start = (0, tf.zeros([tf.shape(x)[0]], tf.bool), tf.zeros_like(x[:, 0]))
    return tf.while_loop(lambda n, *_: n < 4, step, start)[2]


def _read_in_a_loop(x):
    mask = tf.TensorArray(tf.bool, 4).unstack(tf.transpose(_any(x)))

    def step(n, y):
        return n + 1, tf.where(mask.read(n)[:, None], tf.sin(y) + x[:, n], y)

    return tf.while_loop(lambda n, _: n < 4, step, (0, tf.zeros_like(x[:, 0])))[1]


# Functions of x whose selections have conditions that depend on x in different ways.
FUNCTIONS = {
    "two operands": lambda x: tf.where(x[:, 0] > x[:, 1], x[:, 2], x[:, 3] ** 2),
    "one operand": lambda x: tf.where(x[:, 0] <= 0.1, x[:, 2], 3.0),
    "constants": lambda x: tf.where(x[:, 0] >= x[:, 1], tf.constant([3.0, 4, 5], x.dtype), 2),
    "any": lambda x: tf.where(_any(x)[..., None], tf.sin(x), 0),
    "all": lambda x: tf.where(tf.reduce_all(x < 1, [1, 2], keepdims=True), x, x**2),
    "logic": lambda x: tf.where(_any(x) & ~_any(x[:, ::-1]) | (x[:, :, 0] != 0), x[..., 1], x[..., 2]),
    "truths compared": lambda x: tf.where((x[:, 0] > 0) == (x[:, 1] > 0), x[:, 2], -x[:, 3]),
    "truths that differ": lambda x: tf.where((x[:, 0] > 0) != (x[:, 1] > 0), x[:, 2], 1.5),
    "xor": lambda x: tf.where(tf.math.logical_xor(x[:, 0] > 0, x[:, 1] > 0), x[:, 2], 1.5),
    "chosen": lambda x: tf.where(tf.where(x[:, 0] > 0, x[:, 1] > 0, x[:, 2] > 0), x[:, 3], 1.0),
    "moved": lambda x: tf.where(tf.tile(tf.gather(_any(x), [2, 0], axis=1)[:, :, None], [1, 1, 3]), x[:, :2], x[:, 2:]),
    "joined": lambda x: tf.where(tf.concat([_any(x)[:, :2], tf.fill([tf.shape(x)[0], 2], True)], 1), x[..., 0], 7.0),
    "a number": lambda x: tf.reduce_sum(tf.cast(_any(x), x.dtype), 1) ** 2,
    "broadcast": lambda x: tf.where(x[:, :1, :1] > 0, x, tf.constant(2.0, x.dtype)),
    "infinite": lambda x: tf.nn.softmax(tf.where(x[:, 1] > -9, x[:, 0], -np.inf)),
    "list": lambda x: tf.where(_flags(x)[:, :, None], tf.cos(x), x),
    "read in a loop": _read_in_a_loop,
    "until": _while,
    "mapped": lambda x: tf.map_fn(lambda row: tf.where(row[0] > 0, row[1], row[2:].__getitem__(0)), x),
    "branch": lambda x: tf.cond(tf.shape(x)[1] > 2, lambda: tf.where(_any(x)[..., None], x, 1.0), lambda: x),
    "out of a branch": lambda x: tf.where(
        tf.cond(tf.shape(x)[1] > 2, lambda: _any(x), lambda: ~_any(x))[..., None], x, 1.0
    ),
}


# A loop or branch would carry the numbers of its truth values twice.
_CARRIED = ("read in a loop", "until", "out of a branch")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_unchanged_and_a_second_time_changes_nothing(name):
    program = program_of(FUNCTIONS[name], X)
    once = number_conditions(program, program.inputs)
    twice = number_conditions(once, once.inputs)
    (before,) = run_program(program, X)
    np.testing.assert_array_equal(run_program(once, X)[0], before)
    np.testing.assert_array_equal(run_program(twice, X)[0], before)
    assert name in _CARRIED or described(twice) == described(once)


@pytest.mark.parametrize("name", in_turn(FUNCTIONS, 3))
def test_sums_are_complete_and_conditions_are_numbers(name):
    assert_sums(FUNCTIONS[name], [X], [BASELINE], rtol=1e-11)
    with dx.DeepExplain(FUNCTIONS[name], input_signature=[tf.TensorSpec([None, 4, 3], tf.float64)]) as de:
        selections = [op.kind for op, _ in de.coverage("deeplift") if op.type == "SelectV2"]
    assert Kind.JOINT not in selections and (Kind.CHOICE in selections or name == "a number")


def test_shares_are_those_of_both_orders_of_change():
    """Condition and values in both orders: x₀ moves values first, then the condition, and the other way."""
    x = np.array([[1.0, 2.0, 3.0], [-1.0, 2.0, 3.0]])
    baseline = np.array([-1.0, 5.0, 7.0])

    def choose(condition, a, b):
        return np.where(condition > 0, a, b)

    e = explain(lambda x: tf.where(x[:, 0] > 0, x[:, 1], x[:, 2]), "deeplift", x, baseline=baseline)
    (c, a, b), (c0, a0, b0) = x.T, baseline
    by_condition = (choose(c, a, b) - choose(c0, a, b) + choose(c, a0, b0) - choose(c0, a0, b0)) / 2
    by_a = (choose(c, a, b0) - choose(c, a0, b0) + choose(c0, a, b0) - choose(c0, a0, b0)) / 2
    by_b = (choose(c, a0, b) - choose(c, a0, b0) + choose(c0, a0, b) - choose(c0, a0, b0)) / 2
    np.testing.assert_allclose(e.attributions, np.stack([by_condition, by_a, by_b], 1), atol=1e-12)


def test_the_features_that_decide_an_any_share_what_it_changes():
    x = np.array([[0.0, 2.0, 1.0], [0.0, 0.0, 1.0]])
    e = explain(lambda x: tf.where(tf.reduce_any(x > 0.5, 1), 6.0, 2.0), "deeplift", x)
    np.testing.assert_allclose(e.attributions, [[0, 2, 2], [0, 0, 4]])


@pytest.mark.parametrize(
    "condition",
    [
        lambda x: tf.argmax(x[:, 0], -1) > 0,
        lambda x: tf.strings.length(tf.strings.as_string(x[:, 0, 0])) > 9,
        lambda x: tf.cast(x[:, 0, 0], tf.int32) > tf.cast(x[:, 0, 1], tf.int32),
    ],
)
def test_a_condition_by_whole_numbers_stays_a_truth_value(condition):
    program = program_of(lambda x: tf.where(condition(x), x[:, 1, 1], x[:, 2, 2] ** 2), X)
    numbered = number_conditions(program, program.inputs)
    kinds = {kind_of(node, active) for node, active in active_ops(numbered.inputs, numbered.outputs)}
    assert Kind.CHOICE not in kinds and Kind.JOINT in kinds
