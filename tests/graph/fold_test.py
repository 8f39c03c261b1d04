"""Tests of `graph/passes/fold.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.passes import fold
from tests.checks import described, explain, op_types, plain_integral, program_of, run_gradients, run_program
from tests.models import filled

_RANDOM = np.random.default_rng(0)
_ROWS, _IMAGES, _VOLUMES = (_RANDOM.normal(size=shape) for shape in ((3, 4), (2, 5, 6, 4), (2, 3, 4, 3, 4)))
_SCALE, _SHIFT, _SECOND = (_RANDOM.uniform(0.5, 2, 6) * _RANDOM.choice([-1, 1], 6) for _ in range(3))
_MATRIX, _KERNEL, _DEPTHWISE, _CUBE = (
    tf.constant(_RANDOM.normal(size=shape)) for shape in ((4, 6), (3, 2, 4, 6), (2, 2, 4, 2), (2, 2, 2, 4, 6))
)


def _depthwise(x):
    return tf.nn.depthwise_conv2d(x, _DEPTHWISE, [1, 1, 1, 1], "SAME")


_EIGHT, _SQUARE = _RANDOM.normal(size=8), _RANDOM.normal(size=(6, 6))
# Each a model, its input, and the ops that are left of it before the last tanh.
_FOLDED = {
    "product": (lambda x: (x @ _MATRIX) * _SCALE, _ROWS, ["MatMul"]),
    "product from the left": (lambda x: _SCALE * (x @ _MATRIX), _ROWS, ["MatMul"]),
    "transposed": (
        lambda x: tf.matmul(x, tf.transpose(_MATRIX) + 0.0, transpose_b=True) * _SCALE + _SHIFT,
        _ROWS,
        ["MatMul", "BiasAdd"],
    ),
    "bias": (lambda x: tf.nn.bias_add(x @ _MATRIX, _SHIFT) * _SCALE, _ROWS, ["MatMul", "BiasAdd"]),
    "sum and product": (lambda x: (x @ _MATRIX + _SHIFT) * _SCALE + _SECOND, _ROWS, ["MatMul", "BiasAdd"]),
    "one row": (lambda x: (x @ _MATRIX) * _SCALE[None] + _SHIFT[None], _ROWS, ["MatMul", "BiasAdd"]),
    "difference": (lambda x: (x @ _MATRIX - _SHIFT) * _SCALE, _ROWS, ["MatMul", "BiasAdd"]),
    "convolution": (
        lambda x: tf.nn.conv2d(x, _KERNEL, [1, 2, 1, 1], "SAME") * _SCALE + _SHIFT,
        _IMAGES,
        ["Conv2D", "BiasAdd"],
    ),
    "bias and padding": (
        lambda x: tf.nn.bias_add(tf.nn.conv2d(x, _KERNEL, 1, "VALID"), _SECOND) * _SCALE - _SHIFT,
        _IMAGES,
        ["Conv2D", "BiasAdd"],
    ),
    "four axes": (
        lambda x: tf.nn.conv2d(x, _KERNEL, 1, "SAME") * _SCALE[None, None, None] + _SHIFT[None, None, None],
        _IMAGES,
        ["Conv2D", "BiasAdd"],
    ),
    "depthwise": (lambda x: _depthwise(x) * _EIGHT + _EIGHT**2, _IMAGES, ["DepthwiseConv2dNative", "BiasAdd"]),
    "volumes": (
        lambda x: (tf.nn.conv3d(x, _CUBE, [1] * 5, "SAME") + _SECOND) * _SCALE + _SHIFT,
        _VOLUMES,
        ["Conv3D", "BiasAdd"],
    ),
    "two layers": (
        lambda x: tf.matmul((x @ _MATRIX) * _SCALE + _SHIFT, _SQUARE) * _SECOND,
        _ROWS,
        ["MatMul", "BiasAdd", "MatMul"],
    ),
}
_KEPT = {
    "read twice": (lambda x: (z := x @ _MATRIX) * _SCALE + z, _ROWS),
    "shape read": (lambda x: (z := x @ _MATRIX) * _SCALE * tf.cast(tf.shape(z)[1], z.dtype), _ROWS),
    "varying factor": (lambda x: (x @ _MATRIX) * tf.tanh(x @ _MATRIX), _ROWS),
    "varying summand": (lambda x: x @ _MATRIX + x[:, :1], _ROWS),
    "for each example": (lambda x: (x @ _MATRIX) * tf.cast(tf.range(tf.shape(x)[0])[:, None], x.dtype), _ROWS),
    "spatial": (lambda x: tf.nn.conv2d(x, _KERNEL, 1, "SAME") * np.arange(6.0)[None, :, None], _IMAGES),
    "one number": (lambda x: (x @ _MATRIX) * 2.0, _ROWS),
    "subtracted from": (lambda x: _SHIFT - (x @ _MATRIX), _ROWS),
    "rank grows": (lambda x: (x @ _MATRIX) * _SCALE[None, None], _ROWS),
    "channels grow": (lambda x: (x @ _MATRIX[:, :1]) * _SCALE, _ROWS),
    "channels grow by a sum": (lambda x: x @ _MATRIX[:, :1] + _SHIFT, _ROWS),
    "transposed input": (lambda x: tf.transpose(tf.matmul(x, x[:, :3] + 1.0, transpose_a=True) * _SCALE[:3]), _ROWS),
    "kernel varies": (lambda x: tf.matmul(x, tf.transpose(x)) @ x * _SCALE[:4], _ROWS),
    "no layer": (lambda x: tf.tanh(x) * _SCALE[:4] + _SHIFT[:4], _ROWS),
}


def _assert_same(function, x, before, after):
    (found,), (expected,) = run_program(after, x), run_program(before, x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-12, atol=1e-13)
    for one, other in zip(run_gradients(after, x), run_gradients(before, x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", _FOLDED)
def test_constant_scales_and_shifts_are_in_the_layer(name):
    function, x, expected = _FOLDED[name]
    program = program_of(lambda x: tf.tanh(function(x)), x)
    folded = fold(program, program.inputs, 8)
    assert op_types(folded) == [*expected, "Tanh"]
    assert len(op_types(program)) > len(op_types(folded)) or name == "depthwise"
    _assert_same(lambda x: tf.tanh(function(x)), x, program, folded)


@pytest.mark.parametrize("name", _KEPT)
def test_what_is_not_one_number_for_each_channel_stays(name):
    function, x = _KEPT[name]
    program = program_of(lambda x: tf.tanh(function(x)), x)
    folded = fold(program, program.inputs, 8)
    assert op_types(folded) == op_types(program)
    _assert_same(lambda x: tf.tanh(function(x)), x, program, folded)


@pytest.mark.parametrize("name", _FOLDED)
def test_a_second_time_changes_nothing(name):
    function, x, _ = _FOLDED[name]
    program = program_of(function, x)
    once = fold(program, program.inputs, 8)
    again = fold(once, once.inputs, 8)
    assert op_types(again) == op_types(once)
    np.testing.assert_array_equal(run_program(again, x)[0], run_program(once, x)[0])


@pytest.mark.parametrize("name", ["convolution", "four axes", "volumes"])
def test_a_kernel_larger_than_the_outputs_is_not_scaled(name):
    """Kernels of 144 and 192 numbers; 15·6, 30·6 and 36·6 outputs of an example."""
    function, x, _ = _FOLDED[name]
    program = program_of(lambda x: tf.tanh(function(x)), x)
    kernel = int(np.prod((_CUBE if name == "volumes" else _KERNEL).shape))
    outputs = int(np.prod(function(tf.constant(x)).shape[1:]))
    rows = -(-kernel // outputs)
    assert "Mul" not in op_types(fold(program, program.inputs, rows))
    fewer = fold(program, program.inputs, rows - 1)
    assert "Mul" in op_types(fewer)
    _assert_same(lambda x: tf.tanh(function(x)), x, program, fewer)


def test_a_program_without_layers_is_the_same():
    function, x = _KEPT["no layer"]
    program = program_of(function, x)
    assert described(fold(program, program.inputs, 8)) == described(program)


def test_it_still_compiles():
    for function, x, _ in (_FOLDED["convolution"], _FOLDED["transposed"]):
        program = program_of(function, x)
        (found,) = run_program(fold(program, program.inputs, 8), x, jit_compile=True)
        np.testing.assert_allclose(found, function(tf.constant(x)), rtol=1e-12, atol=1e-13)


def test_a_layer_on_what_is_not_explained_stays():
    table, x = tf.constant(_RANDOM.normal(size=(4, 6))), _ROWS
    program = program_of(lambda x, y: (x @ _MATRIX) * _SCALE + (y @ table) * _SHIFT, x, x)
    folded = fold(program, program.inputs[:1], 8)
    assert op_types(folded).count("Mul") == 1
    np.testing.assert_allclose(run_program(folded, x, x)[0], run_program(program, x, x)[0], rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_fused_batch_normalisation_of_older_graphs(dtype):
    """Its statistics are in float32, whatever the images are."""
    kernel = tf.Variable(_KERNEL.numpy().astype(dtype))
    gain, offset, mean, variance = (_RANDOM.uniform(0.5, 2, 6).astype(np.float32) for _ in range(4))

    def model(x):
        y = tf.nn.conv2d(x, kernel, 1, "SAME") + _SHIFT.astype(dtype)
        y, *_ = tf.compat.v1.nn.fused_batch_norm(y, gain, offset, mean, variance, epsilon=1e-3, is_training=False)
        return tf.tanh(y)

    x = _IMAGES.astype(dtype)
    program = program_of(model, x)
    assert any("FusedBatchNorm" in name for name in op_types(program))
    folded = fold(program, program.inputs, 8)
    tolerance = 1e-5 if dtype == "float32" else 2e-2
    if dtype == "float32":
        assert op_types(folded) == ["Conv2D", "BiasAdd", "Tanh"]
    np.testing.assert_allclose(run_program(folded, x)[0], model(tf.constant(x)), rtol=tolerance, atol=tolerance)
    found, expected = run_gradients(folded, x), run_gradients(program, x)
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=tolerance * np.abs(expected[0]).max())


def test_batch_normalisation_by_the_batch_itself_stays():
    kernel = tf.cast(_KERNEL, tf.float32)

    def model(x):
        ones = tf.ones(6)
        y, *_ = tf.compat.v1.nn.fused_batch_norm(tf.nn.conv2d(x, kernel, 1, "SAME"), ones, ones, is_training=True)
        return tf.tanh(y)

    program = program_of(model, _IMAGES.astype(np.float32))
    assert any("FusedBatchNorm" in name for name in op_types(fold(program, program.inputs, 8)))


def _normalised():
    layers, options = keras.layers, {"dtype": "float64"}
    x = inputs = keras.Input((6, 6, 2), dtype="float64")
    for stride in (1, 2):
        x = layers.Conv2D(4, 3, strides=stride, padding="same", use_bias=False, **options)(x)
        x = layers.Activation("softplus", **options)(layers.BatchNormalization(**options)(x))
    x = layers.BatchNormalization(**options)(layers.DepthwiseConv2D(3, depth_multiplier=2, **options)(x))
    x = layers.Flatten(**options)(layers.Activation("tanh", **options)(x))
    return filled(keras.Model(inputs, layers.Dense(2, **options)(layers.BatchNormalization(**options)(x))))


def test_integrals_of_a_network_with_batch_normalisation_follow_its_training():
    model, x, x0 = _normalised(), _RANDOM.normal(size=(2, 6, 6, 2)), _RANDOM.normal(size=(1, 6, 6, 2))
    with dx.DeepExplain(model) as de:
        attribute = de.explainer("integrated_gradients", target=1, baseline=x0, n_steps=8)
        for _ in range(2):
            weights = [np.array(weight) for weight in model.weights]
            (expected,) = plain_integral(lambda x: model(x)[:, 1], [x], [x0])
            found = attribute(x).attributions
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
            for weight, before in zip(model.weights, weights, strict=True):
                np.testing.assert_array_equal(np.array(weight), before)
            for weight in model.weights:
                weight.assign(weight * 0.8 + 0.05)
        n_traces = attribute.n_traces
        attribute(x)
    assert attribute.n_traces == n_traces


def test_users_rules_see_the_ops_of_their_model():
    seen = []

    def rule(op, inputs):
        seen.append(op.name)
        return [inputs[0] * inputs[1]]

    function, x, _ = _FOLDED["sum and product"]
    explain(function, "integrated_gradients", x, target=0, n_steps=2, overrides={"Mul": rule})
    assert seen
