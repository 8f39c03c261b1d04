"""Tests of `graph/emit.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.emit import Twin, emit, emit_twin, emit_with_rules
from deepexplain_tf.graph.kinds import Kind
from tests.checks import derivative, explain, in_turn, op_types, program_of, run_program
from tests.references import numbers

_X, _X0, _WEIGHTS, _SQUARE = numbers(0, (3, 4), (3, 4), (4, 5), (4, 4))


def _mlp(x):
    return tf.nn.softmax(tf.nn.relu(x @ tf.constant(_WEIGHTS) + 0.5))


def _convolutional(x):
    image = tf.cast(tf.reshape(x, [-1, 2, 2, 1]), tf.float32)
    pooled = tf.nn.max_pool2d(tf.nn.conv2d(image, tf.ones([2, 2, 1, 3]), 1, "SAME"), 2, 1, "SAME")
    return tf.reduce_mean(tf.nn.leaky_relu(pooled), [1, 2])


def _attention(x):
    scores = tf.einsum("bi,bj->bij", x, x) / 2.0
    return tf.linalg.matvec(tf.nn.softmax(scores - 1e9 * tf.eye(4, dtype=x.dtype)), tf.nn.gelu(x))


def _pieces(x):
    left, right = tf.split(x, 2, 1)
    where = tf.where(left > right, left, tf.exp(right))
    return tf.concat([where, tf.sort(x, 1), tf.gather(x, tf.argmax(x, 1), axis=1, batch_dims=1)[:, None]], 1)


def _captured():
    keras.utils.set_random_seed(0)
    inner = keras.Sequential(
        [keras.layers.Dense(3, "silu", dtype="float64"), keras.layers.LayerNormalization(dtype="float64")]
    )
    inner.build([None, 4])
    return lambda x: inner(x) + inner(2.0 * x)


_PROGRAMS = {"mlp": _mlp, "conv": _convolutional, "attention": _attention, "pieces": _pieces, "keras": _captured()}


@pytest.mark.parametrize("name", _PROGRAMS)
@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "XLA"])
def test_values_are_unchanged(name, jit_compile):
    (found,) = run_program(program_of(_PROGRAMS[name], _X), _X, jit_compile=jit_compile)
    expected = np.asarray(_PROGRAMS[name](tf.constant(_X)))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if found.dtype == np.float32 else 1e-12, atol=1e-12)


def test_it_can_begin_inside():
    """Known values inside a program stand for all that is before them."""
    program = program_of(lambda x: tf.exp(tf.tanh(x)) + 1.0, _X)
    tanh = next(node for node in program.nodes() if node.type == "Tanh").output()

    @tf.function
    def graph(value):
        return emit(program, {tanh: value})

    np.testing.assert_allclose(graph(tf.constant(_X))[0], np.exp(_X) + 1, rtol=1e-14)


def test_a_missing_argument_is_our_own_mistake():
    program = program_of(lambda a, b: a + b, _X, _X)
    with tf.Graph().as_default(), pytest.raises(AssertionError, match="given no tensor"):
        emit(program, {program.inputs[0]: tf.constant(_X)})


def _gradient(program, rule_of, explained=None):
    @tf.function(autograph=False)
    def graph(x):
        (output,) = emit_with_rules(program, {program.inputs[0]: x}, explained or program.inputs, rule_of)
        return output, tf.gradients(output, x)[0]

    return [np.asarray(part) for part in graph(tf.constant(_X))]


def test_rules_are_asked_at_active_ops_alone():
    asked = []

    def rule_of(op):
        asked.append((op.type, op.active, op.kind))

    def model(x):
        return tf.tanh(x * tf.exp(tf.constant(np.ones(4)))) + tf.cast(tf.shape(x)[1], x.dtype)

    _gradient(program_of(model, _X), rule_of)
    assert [each for each in asked if each[0] != "Identity"] == [
        ("Mul", (0,), Kind.LINEAR),
        ("Tanh", (0,), Kind.ACTIVATION),
        ("AddV2", (0,), Kind.LINEAR),
    ]


def test_a_rule_replaces_the_gradient_and_not_the_value():
    def rule(op, inputs):
        @tf.custom_gradient
        def replaced(z):
            return op(z), lambda upstream: 5 * upstream

        return replaced(*inputs)

    program = program_of(lambda x: 2.0 * tf.tanh(x), _X)
    output, gradient = _gradient(program, lambda op: rule if op.type == "Tanh" else None)
    np.testing.assert_allclose(output, 2 * np.tanh(_X), rtol=1e-14)
    np.testing.assert_array_equal(gradient, np.full_like(_X, 10))


def test_an_op_has_a_name_and_emits_itself():
    names = []

    def rule(op, inputs):
        names.append(op.name)
        outputs = op.outputs(inputs)
        assert len(outputs) == 2 and [tensor.shape[1] for tensor in op(*inputs)] == [2, 2]
        return outputs

    program = program_of(lambda x: tf.concat(tf.split(x, 2, 1, name="halves")[::-1], 1), _X)
    output, _ = _gradient(program, lambda op: rule if op.type == "Split" else None)
    np.testing.assert_array_equal(output, np.hstack([_X[:, 2:], _X[:, :2]]))
    assert names == ["halves"]


def test_twins_carry_both_values():
    program = program_of(lambda x: tf.tanh(x) * 2.0 + 1.0, _X)
    asked = []

    def rule_of(op):
        asked.append(op.type)

    @tf.function(autograph=False)
    def graph(x, baseline):
        (output,) = emit_twin(program, {}, {program.inputs[0]: Twin(x, baseline)}, rule_of)
        return output

    for start in (_X0, _X0[:1]):
        output = graph(tf.constant(_X), tf.constant(start))
        np.testing.assert_allclose(output.x, 2 * np.tanh(_X) + 1, rtol=1e-13)
        np.testing.assert_allclose(output.baseline, 2 * np.tanh(start) + 1, rtol=1e-13)
    assert "Tanh" in asked


def test_a_twin_without_change_is_one_value_twice():
    program = program_of(lambda a, b: (tf.exp(a), b * 2.0), _X, _X)

    @tf.function(autograph=False)
    def graph(a, b, b0):
        first, second = program.inputs
        return emit_twin(program, {first: a}, {second: Twin(b, b0)}, lambda op: None)

    unmoved, moved = graph(*map(tf.constant, (_X, _X, _X0)))
    np.testing.assert_array_equal(unmoved.x, unmoved.baseline)
    np.testing.assert_array_equal(moved.baseline, 2 * _X0)


def test_a_users_own_gradient_is_kept_by_gradient_methods():
    @tf.custom_gradient
    def odd(a, b):
        saved = tf.exp(a)
        return (a * b, a - b), lambda up, down: (up * saved, down * 3.0)

    x = tf.constant(_X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        product, difference = odd(x, 2.0 * x)
        output = product + 5.0 * difference
    expected = tape.gradient(output, x)

    def model(x):
        product, difference = odd(x, 2.0 * x)
        return product + 5.0 * difference

    _, gradient = _gradient(program_of(model, _X), lambda op: None)
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)


_CONSTANT = tf.constant(np.linspace(1, 2, 4))
_SLOPES = tf.Variable(np.linspace(-1, 1, 4))


@tf.custom_gradient
def _by_constant(z):
    return tf.tanh(z), lambda upstream: upstream * _CONSTANT


@tf.custom_gradient
def _by_itself(z):
    return tf.tanh(z), lambda upstream: upstream * tf.exp(z)


@tf.custom_gradient
def _by_variable(z):
    def backward(upstream, variables=()):
        return upstream * _SLOPES, [tf.zeros_like(variable) for variable in variables]

    return z * _SLOPES, backward


@pytest.mark.parametrize(("function", "slopes"), [(_by_constant, _CONSTANT), (_by_variable, _SLOPES)])
def test_a_users_own_gradient_that_reads_what_lies_outside(function, slopes):
    _, gradient = _gradient(program_of(lambda x: 2.0 * function(x), _X), lambda op: None)
    np.testing.assert_allclose(gradient, np.tile(2 * slopes.numpy(), (3, 1)), rtol=1e-14)


def test_a_users_own_gradient_inside_a_branch():
    def model(x):
        return tf.cond(tf.shape(x)[1] > 3, lambda: _by_itself(x) + tf.nn.silu(x), lambda: x)

    _, gradient = _gradient(program_of(model, _X), lambda op: None)
    gate = 1 / (1 + np.exp(-_X))
    np.testing.assert_allclose(gradient, np.exp(_X) + gate * (1 + _X * (1 - gate)), rtol=1e-12)


def test_a_users_own_gradient_inside_a_call():
    @tf.function
    def inner(z):
        return tf.nn.silu(z) + keras.activations.mish(z)

    _, gradient = _gradient(program_of(lambda x: inner(x), _X), lambda op: None)
    np.testing.assert_allclose(gradient, derivative(inner, _X), rtol=1e-12)


def _loop(x):
    """Three turns, the second output of which is linear in what the first one has become."""
    weights = tf.constant(_SQUARE)
    _, y, total = tf.while_loop(
        lambda i, *_: i < 3, lambda i, y, total: (i + 1, tf.tanh(y @ weights), total + y), [0, x, 2.0 * x]
    )
    return y * total


def _branch(x):
    """Which way is taken does not depend on the numbers of x."""
    return tf.cond(tf.shape(x)[1] > 3, lambda: tf.tanh(x) * x, lambda: x * 2.0)


def _nested(x):
    def turn(i, y):
        return i + 1, tf.cond(i % 2 == 0, lambda: tf.sigmoid(y) * x, lambda: tf.nn.silu(y))

    return tf.while_loop(lambda i, y: i < 4, turn, [0, x])[1]


_STRUCTURES = {"loop": _loop, "branch": _branch, "nested": _nested}


@pytest.mark.parametrize("jit_compile", [False, True], ids=["plain", "XLA"])
@pytest.mark.parametrize("name", _STRUCTURES)
def test_loops_and_branches_keep_their_values(name, jit_compile):
    function = tf.function(_STRUCTURES[name])
    (found,) = run_program(program_of(function, _X), _X, jit_compile=jit_compile)
    np.testing.assert_allclose(found, function(tf.constant(_X)), rtol=1e-12)


@pytest.mark.parametrize("name", _STRUCTURES)
def test_deeplift_sums_through_loops_and_branches(name):
    e = explain(tf.function(_STRUCTURES[name]), "deeplift", _X, target=1, baseline=_X0)
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-9)
    assert (np.abs(e.attributions).sum(1) > 1e-3).all()


@pytest.mark.parametrize("method", ["saliency", "deeplift", "occlusion"])
def test_what_cannot_be_emitted_is_refused_by_name(method):
    def model(x):
        return tf.ensure_shape(tf.numpy_function(np.tanh, [x], tf.float64), x.shape) * x

    with pytest.raises(dx.UnsupportedOpError, match="PyFunc") as error:
        explain(model, method, _X, target=0)
    assert "node" in str(error.value)
    assert len(str(error.value)) <= 500


def test_the_users_graph_is_not_touched():
    function = tf.function(_mlp).get_concrete_function(tf.TensorSpec([None, 4], tf.float64))
    before = function.graph.as_graph_def().SerializeToString(deterministic=True)
    explain(function, "deeplift", _X, target=0)
    assert function.graph.as_graph_def().SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.long), "float64"])
@pytest.mark.parametrize("jit_compile", in_turn([False, True]), ids=["plain", "XLA"])
def test_convolutions_that_the_model_compiles_stay_compiled(dtype, jit_compile):
    """Keras has XLA compile grouped convolutions: TensorFlow's kernels round otherwise and lack gradients."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(6, 3, groups=3, activation="tanh", dtype=dtype),
        keras.layers.Conv2D(4, 2, groups=2, bias_initializer="normal", dtype=dtype),
        keras.layers.GlobalAveragePooling2D(dtype=dtype),
    ]
    model = keras.Sequential([keras.Input([8, 8, 6], dtype=dtype), *layers])
    x, start = (array.astype(dtype) for array in numbers(3, (5, 8, 8, 6), (5, 8, 8, 6)))
    with dx.DeepExplain(model, jit_compile=jit_compile) as de:
        for method in ("gradient_x_input", "deeplift"):
            np.testing.assert_array_equal(np.asarray(de.rewrite(method)(x)), np.asarray(tf.function(model)(x)))
        e = de.explain("deeplift", x, target=1, baseline=start)
    gap = np.abs(e.completeness_gap) / np.abs(e.outputs - e.baseline_outputs)
    assert gap.max() <= (1e-5 if dtype == "float32" else 1e-12)


def test_op_types_of_a_program_stay_the_same():
    types = op_types(program_of(_attention, _X))
    program = program_of(_attention, _X)

    def again(x):
        return emit(program, {program.inputs[0]: x})[0]

    assert sorted(op_types(program_of(again, _X))) == sorted(types)
