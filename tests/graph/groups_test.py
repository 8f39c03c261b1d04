"""Tests of `graph/passes/groups.py`."""

import keras
import numpy as np
import pytest
from scipy import special
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.passes import form_groups, see_through
from tests.checks import (
    derivative,
    described,
    explain,
    op_types,
    pairs_in_turn,
    program_of,
    run_program,
    total,
)

_X = np.concatenate([np.linspace(-6, 6, 23), [0.0]])[None].reshape(2, 12)
_ROOT = np.sqrt(2.0)


def _mish(z):
    return z * tf.tanh(tf.math.softplus(z))


# Each nonlinearity in several spellings, and its values.
_SPELLINGS = {
    "silu": (
        {
            "by hand": lambda z: z * tf.sigmoid(z),
            "the other way round": lambda z: tf.sigmoid(z) * z,
            "quotient": lambda z: z / (1.0 + tf.exp(-z)),
            "keras": keras.activations.silu,
            "keras.ops": lambda z: z * keras.ops.sigmoid(z),
            "tf.nn": tf.nn.silu,
        },
        lambda z: z * special.expit(z),
    ),
    "gelu": (
        {
            "by hand": lambda z: 0.5 * z * (1.0 + tf.math.erf(z / _ROOT)),
            "the other way round": lambda z: (tf.math.erf(z / _ROOT) + 1.0) * (z * 0.5),
            "erfc": lambda z: 0.5 * z * tf.math.erfc(-z / _ROOT),
            "keras": lambda z: keras.activations.gelu(z, approximate=False),
            "keras.ops": lambda z: z * (keras.ops.erf(z / _ROOT) + 1.0) / 2.0,
            "tf.nn": tf.nn.gelu,
        },
        lambda z: z * special.ndtr(z),
    ),
    "gelu by tanh": (
        {
            "by hand": lambda z: 0.5 * z * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z * z * z))),
            "with a power": lambda z: 0.5 * z * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * tf.pow(z, 3.0)))),
            "keras": lambda z: keras.activations.gelu(z, approximate=True),
            "tf.nn": lambda z: tf.nn.gelu(z, approximate=True),
        },
        lambda z: 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
    ),
    "mish": (
        {
            "by hand": _mish,
            "with a logarithm": lambda z: z * tf.tanh(tf.math.log1p(tf.exp(z))),
            "keras": keras.activations.mish,
            "keras.ops": lambda z: z * keras.ops.tanh(keras.ops.softplus(z)),
        },
        lambda z: z * np.tanh(np.logaddexp(0, z)),
    ),
    "hard swish": (
        {
            "by hand": lambda z: z * tf.nn.relu6(z + 3.0) / 6.0,
            "with a factor": lambda z: z * (tf.nn.relu6(z + 3.0) * (1 / 6)),
            "clipped": lambda z: z * tf.clip_by_value(z / 6.0 + 0.5, 0.0, 1.0),
            "keras": keras.activations.hard_swish,
            "keras.ops": lambda z: z * keras.ops.clip(z + 3.0, 0.0, 6.0) / 6.0,
        },
        lambda z: z * np.clip(z / 6 + 0.5, 0, 1),
    ),
}
_ALL = [(name, spelling) for name, (spellings, _) in _SPELLINGS.items() for spelling in spellings]


def _values(name):
    return _SPELLINGS[name][1](_X)


@pytest.mark.parametrize(("name", "spelling"), pairs_in_turn(_ALL, 3))
def test_every_spelling_has_the_same_epsilon_lrp(name, spelling):
    """x·f(x)/(x + ε·sign x): the whole nonlinearity is one function, with constants at its ends or not."""
    function = _SPELLINGS[name][0][spelling]
    e = explain(function, "epsilon_lrp", _X, target=total, epsilon=0.125)
    expected = _X * _values(name) / (_X + 0.125 * np.where(_X >= 0, 1, -1))
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "spelling"), _ALL)
@pytest.mark.parametrize("start", [pytest.param(0.0, marks=pytest.mark.long), -0.75])  # 0 is the simpler one
def test_every_spelling_has_the_same_deeplift(name, spelling, start):
    """Each unit gets its own change: f(x) − f(x₀)."""
    function = _SPELLINGS[name][0][spelling]
    e = explain(function, "deeplift", _X, target=total, baseline=start)
    change = _values(name) - _SPELLINGS[name][1](np.array(start))
    np.testing.assert_allclose(e.attributions, change, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("name", "spelling"), pairs_in_turn(_ALL, 3))
def test_gradients_are_those_of_the_model(name, spelling):
    function = _SPELLINGS[name][0][spelling]
    e = explain(function, "saliency", _X, target=total, signed=True)
    np.testing.assert_allclose(e.attributions, derivative(function, _X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "spelling"),
    [pytest.param(*pair, marks=[pytest.mark.long] * (number % 4 > 0)) for number, pair in enumerate(_ALL)],
)
def test_a_spelling_that_was_saved_and_loaded(name, spelling, tmp_path):
    """As every spelling above, between two linear layers."""
    first, second = np.linspace(-2, 1, 24).reshape(12, 2), np.array([[1.0, -0.5], [0.25, 2.0]])
    function = _SPELLINGS[name][0][spelling]
    module = tf.Module()
    signature = [tf.TensorSpec([None, 12], tf.float64, name="x")]
    module.function = tf.function(lambda x: function(x @ first + 0.5) @ second - 1.0, input_signature=signature)
    tf.saved_model.save(module, str(tmp_path), module.function)
    z = _X @ first + 0.5
    values, change = _SPELLINGS[name][1](z), _SPELLINGS[name][1](z) - _SPELLINGS[name][1](np.array(0.5))
    with dx.DeepExplain(tmp_path) as de:
        lrp = de.explain("epsilon_lrp", _X, target=1, epsilon=0.125).attributions
        deeplift = de.explain("deeplift", _X, target=1).attributions
    for found, slope in ((lrp, values / (z + 0.125 * np.where(z >= 0, 1, -1))), (deeplift, change / (z - 0.5))):
        np.testing.assert_allclose(found, _X * ((slope * second[:, 1]) @ first.T), rtol=1e-6, atol=1e-9)


def _canonical(program):
    return form_groups(see_through(program), program.inputs)


@pytest.mark.parametrize(("name", "spelling"), pairs_in_turn(_ALL, 3))
def test_a_pass_changes_no_value(name, spelling):
    program = program_of(_SPELLINGS[name][0][spelling], _X)
    grouped = _canonical(program)
    assert op_types(grouped).count(GROUP) == 1
    (before,), (after,) = run_program(program, _X), run_program(grouped, _X)
    np.testing.assert_allclose(after, before, rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(after, _values(name), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", _SPELLINGS)
def test_a_pass_repeated_changes_nothing(name):
    for function in _SPELLINGS[name][0].values():
        program = program_of(function, _X)
        once = _canonical(program)
        assert described(once) != described(program)
        assert described(_canonical(once)) == described(once)


@pytest.mark.parametrize("name", _SPELLINGS)
def test_groups_still_compile(name):
    grouped = _canonical(program_of(next(iter(_SPELLINGS[name][0].values())), _X))
    (found,) = run_program(grouped, _X, jit_compile=True)
    np.testing.assert_allclose(found, _values(name), rtol=1e-6, atol=1e-12)


def _types(function, *inputs):
    return op_types(_canonical(program_of(function, *inputs)))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda z: tf.nn.relu(2.0 * z + 1.0), ["Mul", "AddV2", "Relu"]),
        (lambda z: tf.tanh(tf.sigmoid(z)), ["Sigmoid", "Tanh"]),
        (lambda z: z * tf.sigmoid(z) + 1.0, [GROUP, "AddV2"]),
        (lambda z: tf.nn.silu(3.0 * z - 1.0), ["Mul", "Sub", GROUP]),
        (lambda z: tf.nn.silu(tf.nn.silu(z)), [GROUP, GROUP]),
        (lambda z: z * z, ["Mul"]),
        (lambda z: z + z, ["AddV2"]),
        (lambda z: z + tf.nn.relu(z) * 2.0, [GROUP]),
        (lambda z: z * tf.reduce_max(z, 1, keepdims=True), ["Max", "Mul"]),
        (lambda z: tf.nn.softmax(z) * z, ["Softmax", "Mul"]),
        (lambda z: tf.where(z > 0, z, tf.exp(z) - 1.0), [GROUP]),
        (lambda z: tf.where(tf.reduce_sum(z, 1, keepdims=True) > 0, z, -z), ["Sum", "Neg", "SelectV2"]),
    ],
    ids=range(12),
)
def test_what_is_a_group(function, expected):
    found = _types(function, _X)
    assert sorted(found) == sorted(expected)


def test_values_of_two_inputs_are_no_group():
    """A gate is a product of two values, not one function of either."""
    assert sorted(_types(lambda a, b: a * tf.sigmoid(b), _X, _X)) == ["Mul", "Sigmoid"]
    assert sorted(_types(lambda a, b: (a + b) * tf.sigmoid(a + b), _X, _X)) == ["AddV2", "AddV2", "Mul", "Sigmoid"]


def test_a_shared_sum_is_the_entry():
    def model(a, b):
        z = a + b
        return z * tf.sigmoid(z)

    assert sorted(_types(model, _X, _X)) == ["AddV2", GROUP]


def test_a_value_read_outside_stays_outside():
    """The sigmoid inside is also an output of its own: both are right."""

    def model(z):
        gate = tf.sigmoid(z)
        return tf.concat([z * gate, gate], 1)

    x = _X[:, :3]
    assert GROUP in _types(model, x)
    e = explain(model, "deeplift", x, target=total)
    gate = special.expit(x)
    np.testing.assert_allclose(e.attributions, x * gate + gate - 0.5, rtol=1e-12)
    (found,) = run_program(_canonical(program_of(model, x)), x)
    np.testing.assert_allclose(found, np.hstack([x * gate, gate]), rtol=1e-14)


def test_residuals_around_layers_are_no_group():
    weights = np.eye(12) / 2
    assert GROUP not in _types(lambda z: z + tf.nn.relu(z @ tf.constant(weights)), _X)


def test_a_constant_that_broadcasts_inside_a_group():
    """A slope for each unit, as in PReLU."""
    slopes = np.linspace(-0.5, 0.5, 12)

    def prelu(z):
        return tf.nn.relu(z) - slopes * tf.nn.relu(-z)

    assert GROUP in _types(prelu, _X)
    e = explain(prelu, "epsilon_lrp", _X, target=total, epsilon=0.125)
    values = np.where(_X > 0, _X, slopes * _X)
    np.testing.assert_allclose(e.attributions, _X * values / (_X + 0.125 * np.where(_X >= 0, 1, -1)), rtol=1e-6)


@pytest.mark.long  # every spelling by itself is above
@pytest.mark.parametrize("method", ["deeplift", "epsilon_lrp"])
def test_groups_inside_a_network_are_spelling_proof(method):
    generator = np.random.default_rng(0)
    first, second = generator.normal(size=(12, 5)), generator.normal(size=(5, 2))

    def network(activation):
        return lambda x: activation(activation(x @ first + 0.25) * 0.5) @ second - 1.0

    for name in ("silu", "hard swish"):
        found = [explain(network(f), method, _X, target=1).attributions for f in _SPELLINGS[name][0].values()]
        for other in found[1:]:
            np.testing.assert_allclose(other, found[0], rtol=1e-5, atol=1e-8)
