"""A `gradient_override_map` in the user's graph is part of the model: every gradient obeys it, whatever passes do."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, in_turn, plain_integral

_GENERATOR = np.random.default_rng(0)
X = _GENERATOR.normal(size=(3, 5, 4))
START = _GENERATOR.normal(size=(1, 5, 4))
KERNEL, BIAS = tf.constant(_GENERATOR.normal(size=(2, 4, 3))), tf.constant(_GENERATOR.normal(size=3))
END, UNITS = tf.constant(_GENERATOR.normal(size=(12, 2))), tf.constant([0.5, -1.0], tf.float64)


@tf.RegisterGradient("TestsTimesFive")
def _times_five(op, *upstream):
    """Five times the ordinary gradient with regard to the first input, as far as these tests' ops have one."""
    (signal,) = upstream
    if op.type == "MatMul":
        return 5.0 * signal @ tf.transpose(op.inputs[1]), None
    if op.type == "Conv2D":
        shape, kernel = tf.shape(op.inputs[0]), op.inputs[1]
        strides, padding = op.get_attr("strides"), op.get_attr("padding")
        return 5.0 * tf.nn.conv2d_transpose(signal, kernel, shape, strides, padding.decode()), None
    if op.type == "Mul":
        return 5.0 * signal * op.inputs[1], None
    slope = {"Tanh": lambda: 1 - op.outputs[0] ** 2, "Relu": lambda: tf.cast(op.outputs[0] > 0, signal.dtype)}
    back = 5.0 * signal * slope[op.type]() if op.type in slope else tf.reshape(5.0 * signal, tf.shape(op.inputs[0]))
    return (back, *(None for _ in list(op.inputs)[1:]))


@tf.function
def network(x):
    """A convolution with bias and scale, two nonlinearities, and a last dense layer whose output is copied."""
    hidden = tf.tanh(
        tf.nn.bias_add(tf.nn.conv1d(x, KERNEL, 1, "VALID"), BIAS) * tf.constant([0.5, 2.0, 1.0], tf.float64)
    )
    hidden = tf.nn.relu(tf.reshape(hidden, [-1, 12]))
    return tf.identity(tf.nn.bias_add(hidden @ END, UNITS))


@functools.cache
def overriding(op_type):
    @tf.function
    def model(x):
        with tf.compat.v1.get_default_graph().gradient_override_map({op_type: "TestsTimesFive"}):
            return network.python_function(x)

    return model


def _target(model):
    return lambda x: model(x)[:, 1]


OPS = ["Identity", "BiasAdd", "MatMul", "Reshape", "Relu", "Tanh", "Mul", "Conv2D"]


@pytest.mark.parametrize("op_type", [pytest.param(op, marks=[pytest.mark.long] * (n % 2)) for n, op in enumerate(OPS)])
def test_path_integrals_obey_it(op_type):
    found = explain(overriding(op_type), "integrated_gradients", X, target=1, baseline=START, n_steps=6)
    (expected,) = plain_integral(_target(overriding(op_type)), [X], [START], 6)
    (without,) = plain_integral(_target(network), [X], [START], 6)
    assert np.abs(expected - without).max() > 0.1
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


@pytest.mark.parametrize("op_type", in_turn(OPS, 3))
def test_gradients_obey_it(op_type):
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        target = _target(overriding(op_type))(x)
    found = explain(overriding(op_type), "gradient_x_input", X, target=1)
    np.testing.assert_allclose(found.attributions, X * tape.gradient(target, x), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("op_type", in_turn(OPS, 3))
def test_rules_take_its_place(op_type):
    """DeepLIFT is of the model's values, which an override does not change."""
    found, expected = (
        explain(model, "deeplift", X, target=1, baseline=START[0]) for model in (overriding(op_type), network)
    )
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-10)


@pytest.mark.parametrize("op_type", ["StatelessWhile", "StatelessIf", "PartitionedCall"])
def test_a_whole_loop_branch_or_function_is_refused(op_type):
    inner = tf.function(tf.tanh, autograph=False)
    inside = {
        "StatelessWhile": lambda x: tf.while_loop(lambda n, _: n < 2, lambda n, y: (n + 1, tf.tanh(y)), [0, x])[1],
        "StatelessIf": lambda x: tf.cond(tf.size(x) > 2, lambda: tf.tanh(x), lambda: x),
        "PartitionedCall": inner,
    }[op_type]

    @tf.function
    def model(x):
        with tf.compat.v1.get_default_graph().gradient_override_map({op_type: "TestsTimesFive"}):
            return tf.reduce_sum(inside(x), [1, 2])

    with pytest.raises(dx.DeepExplainError, match="gradient_override_map must be for ops that are no function"):
        explain(model, "saliency", X)


def _reading_from_outside(kind):
    """A custom gradient inside a loop or branch, which reads a tensor from outside of it."""

    def model(x):
        scale = tf.reduce_sum(x**2, [1, 2], keepdims=True)

        @tf.custom_gradient
        def odd(h):
            return tf.sin(h), lambda upstream: 5 * upstream * scale

        inside = {
            "loop": lambda: tf.while_loop(lambda n, _: n < 2, lambda n, y: (n + 1, odd(y)), [0, x])[1],
            "branch": lambda: tf.cond(tf.shape(x)[0] > 0, lambda: odd(x), lambda: x),
            "map": lambda: tf.map_fn(lambda row: odd(x)[0] + row, x),
        }[kind]
        return tf.reduce_sum(inside(), [1, 2])

    return tf.autograph.experimental.do_not_convert(model)


@pytest.mark.parametrize("method", ["gradient_x_input", "integrated_gradients", "deeplift"])
@pytest.mark.parametrize("kind", ["loop", "branch", "map"])
def test_a_gradient_that_reads_what_is_outside_of_its_loop_is_refused_or_right(kind, method):
    model = _reading_from_outside(kind)
    try:
        e = explain(model, method, X)
    except dx.DeepExplainError as error:
        assert "must read no tensor from outside" in str(error) or "each example by itself" in str(error)
        return
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        target = tf.function(model)(x)
    if method == "gradient_x_input":
        np.testing.assert_allclose(e.attributions, X * tape.gradient(target, x), rtol=1e-9)
