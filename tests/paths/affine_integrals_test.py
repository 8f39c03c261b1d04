"""Integrals that take the affine part of a model out of their loop."""

import functools

import keras
from keras import layers
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, plain_integral
from tests.models import filled, floats

_RANDOM = np.random.default_rng(0)
_X = _RANDOM.normal(size=(3, 4))
_TABLE, _OTHER, _BIAS = (tf.constant(_RANDOM.normal(size=shape)) for shape in ((4, 6), (4, 5), (6,)))


def _one_layer(x):
    return tf.tanh(x @ _TABLE + _BIAS)


def _two_ways(x):
    return tf.tanh(x @ _TABLE)[:, :5] * tf.sigmoid(x @ _OTHER + 0.5)


def _dense():
    x = inputs = keras.Input((6,))
    for units in (5, 4):
        x = layers.Dense(units, activation="tanh")(x)
    return inputs, x


def _normalised_convolutions():
    x = inputs = keras.Input((6, 6, 2))
    x = layers.BatchNormalization()(layers.Conv2D(3, 3, strides=2, padding="same")(x))
    x = layers.Activation("gelu")(layers.Rescaling(0.5, 0.1)(x))
    return inputs, layers.Flatten()(layers.AveragePooling2D(2)(x))


def _separable():
    x = inputs = keras.Input((6, 6, 2))
    x = layers.SeparableConv2D(4, 3, activation="softplus")(layers.ZeroPadding2D(1)(x))
    return inputs, layers.GlobalAveragePooling2D()(x)


def _joined_inputs():
    left, right = keras.Input((3,)), keras.Input((2, 2))
    x = layers.Concatenate()([layers.Dense(3)(left), layers.Flatten()(right)])
    return [left, right], layers.Dense(4, activation="tanh")(x)


def _separate_inputs():
    left, right = keras.Input((3,)), keras.Input((5, 2))
    one = layers.Dense(4, activation="tanh")(left)
    other = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3, activation="silu")(right))
    return [left, right], layers.Multiply()([one, other])


def _dilated():
    x = inputs = keras.Input((8, 3))
    x = layers.Conv1D(4, 1)(x)
    for dilation in (1, 2):
        y = layers.Conv1D(4, 3, padding="causal", dilation_rate=dilation)(x)
        x = layers.Add()([x, layers.Activation("tanh")(layers.LayerNormalization()(y))])
    return inputs, layers.Flatten()(x)


def _attention():
    inputs = keras.Input((4, 3))
    x = layers.Dense(4)(inputs)
    x = x + layers.Embedding(4, 4)(np.arange(4))[None]
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 3)(x, x)]))
    return inputs, layers.GlobalAveragePooling1D()(layers.Dense(4, activation="gelu")(x))


def _recurrent():
    inputs = keras.Input((4, 3))
    return inputs, layers.GRU(3)(layers.LSTM(3, return_sequences=True)(layers.Dense(3)(inputs)))


def _volumes():
    inputs = keras.Input((4, 4, 4, 1))
    x = layers.BatchNormalization()(layers.Conv3D(3, 2, strides=2)(inputs))
    return inputs, layers.Flatten()(layers.Activation("sigmoid")(x))


def _upwards():
    inputs = keras.Input((3, 3, 2))
    x = layers.Conv2DTranspose(2, 3, strides=2)(layers.Permute((2, 1, 3))(inputs))
    return inputs, layers.Flatten()(layers.Activation("tanh")(x))


def _one_hot():
    inputs = keras.Input((4, 5))
    x = layers.Dense(3, use_bias=False)(inputs)
    return inputs, layers.Flatten()(layers.Activation("swish")(layers.Reshape((2, 6))(x)))


def _linear():
    inputs = keras.Input((6,))
    return inputs, layers.Dense(4)(inputs)


def _plain_first():
    inputs = keras.Input((6,))
    return inputs, layers.Dense(3)(layers.Activation("softplus")(inputs))


# Architectures, and whether an affine part is evaluated at the ends only.
_NETS = {
    _dense: True,
    _normalised_convolutions: True,
    _separable: True,
    _joined_inputs: True,
    _separate_inputs: True,
    _dilated: True,
    _attention: True,
    _recurrent: True,
    _volumes: True,
    _upwards: True,
    _one_hot: True,
    _linear: True,
    _plain_first: False,
}


@functools.cache
def _case(build, dtype):
    """Returns a network, three inputs, a baseline, and the attributions of a plain loop."""
    with floats(dtype):
        inputs, x = build()
        model = filled(keras.Model(inputs, layers.Dense(2)(x)))
    shapes = [tuple(spec.shape[1:]) for spec in model.inputs]
    generator = np.random.default_rng(3)
    arrays = [generator.normal(size=(3, *shape)).astype(dtype) for shape in shapes]
    starts = [generator.normal(size=(1, *shape)).astype(dtype) for shape in shapes]

    @tf.function
    def target(*tensors):
        return model(tensors[0] if len(tensors) == 1 else list(tensors))[:, 1]

    return model, arrays, starts, plain_integral(target, arrays, starts, 5)


def _integrals(build, dtype, **settings):
    model, arrays, starts, expected = _case(build, dtype)
    one = len(arrays) == 1
    options = {"n_steps": 5, "baseline": starts[0] if one else starts, "target": 1}
    e = explain(model, "integrated_gradients", arrays[0] if one else arrays, **options, **settings)
    return e, [e.attributions] if one else e.attributions, expected


_AT_LENGTH = (_recurrent, _attention, _volumes, _upwards, _one_hot, _dilated)  # longer than all others together
_name = pytest.mark.parametrize(
    "build",
    [pytest.param(net, marks=[pytest.mark.long] * (net in _AT_LENGTH)) for net in _NETS],
    ids=lambda build: build.__name__.strip("_"),
)


@_name
@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.long)]
)  # tests/conformance compiles
def test_integrals_are_those_of_a_plain_loop(build, jit_compile):
    e, found, expected = _integrals(build, "float64", jit_compile=jit_compile, chunk_size=7)
    largest = max(np.abs(array).max() for array in expected)
    assert largest > 1e-3
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-10 * largest)
    assert any("evaluated at the ends" in note for note in e.notes) == _NETS[build]


_SHORT = (_attention,)


@pytest.mark.parametrize("build", [pytest.param(n, marks=() if n in _SHORT else pytest.mark.long) for n in _NETS])
def test_integrals_in_float32(build):
    _, found, expected = _integrals(build, "float32")
    exact = _case(build, "float32")[3]
    largest = max(np.abs(array).max() for array in exact)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * largest)


def test_the_note_counts_the_ops_and_names_the_ends():
    e = explain(_two_ways, "integrated_gradients", _X, target=1)
    (note,) = e.notes
    assert note.startswith("evaluated at the ends of each path only: 3 affine ops, up to '")
    assert note.count("'") == 4
    (note,) = explain(lambda x: tf.reduce_sum(tf.tanh(x @ _TABLE)[:, :4] * x, 1), "integrated_gradients", _X).notes
    assert note.startswith("evaluated at the ends of each path only: 1 affine op, up to 'matmul")
    assert note.count("'") == 2


def test_a_mask_of_each_example_is_read_behind():
    tokens, values = keras.Input((3,), dtype="int32"), keras.Input((3, 2))
    with floats("float64"):
        mask = layers.Embedding(5, 2, dtype="float64")(tokens)
        scaled = layers.Dense(2, name="scaled", dtype="float64")(values)
        hidden = layers.Dense(2, dtype="float64", activation="tanh")(layers.Multiply(dtype="float64")([mask, scaled]))
        model = filled(keras.Model([tokens, values], layers.Dense(2, dtype="float64")(layers.Flatten()(hidden))))
    ids, x = np.array([[1, 2, 0], [4, 3, 3]]), _RANDOM.normal(size=(2, 3, 2)).astype(np.float32)
    e = explain(model, "integrated_gradients", [ids, x], target=1, layer="scaled", n_steps=5, chunk_size=3)
    first = model.get_layer("scaled")(x).numpy()
    rest = keras.Model([tokens, scaled], model.output)
    (expected,) = plain_integral(lambda z: rest([tf.constant(ids), z])[:, 1], [first], [np.zeros((1, 3, 2))], 5)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-10 * np.abs(expected).max())


def test_a_layer_with_an_affine_part_behind_it():
    model, (x,), _, _ = _case(_dense, "float64")
    name = model.layers[1].name
    e = explain(model, "integrated_gradients", x, target=0, layer=name, n_steps=5)
    assert any("evaluated at the ends" in note for note in e.notes)
    hidden = model.layers[1](x).numpy()
    rest = lambda z: model.layers[3](model.layers[2](z))[:, 0]  # noqa: E731
    (expected,) = plain_integral(rest, [hidden], [np.zeros((1, 5))], 5)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12)


def test_a_fixed_batch_is_not_cut():
    with floats("float64"):
        inputs = keras.Input(batch_shape=(2, 4))
        model = filled(keras.Model(inputs, layers.Dense(2)(layers.Dense(3, activation="tanh")(inputs))))
    e = explain(model, "integrated_gradients", _X, target=0, n_steps=5)
    assert e.notes == ()
    apart = keras.Sequential([keras.Input((4,), dtype="float64"), *model.layers[1:]])
    (expected,) = plain_integral(lambda x: apart(x)[:, 0], [_X], [np.zeros((1, 4))], 5)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12)


def test_mixed_precision():
    inputs = keras.Input((6,))
    x = layers.Dense(5, dtype="mixed_float16")(inputs)
    x = layers.Dense(4, dtype="mixed_float16")(layers.Activation("tanh", dtype="mixed_float16")(x))
    model = filled(keras.Model(inputs, layers.Activation("linear", dtype="float32")(x)))
    x = _RANDOM.normal(size=(3, 6)).astype(np.float32)
    e = explain(model, "integrated_gradients", x, target=1)
    assert any("evaluated at the ends" in note for note in e.notes)
    (expected,) = plain_integral(lambda x: model(x)[:, 1], [x], [np.zeros((1, 6), np.float32)], 16)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=5e-3 * np.abs(expected).max())


def test_users_rules_are_applied_to_the_whole_model():
    seen = []

    def rule(op, inputs):
        seen.append(op.name)
        return tf.matmul(*inputs)

    settings = {"n_steps": 5, "target": 1}
    with dx.DeepExplain(_one_layer, overrides={"MatMul": rule}) as de:
        e = de.explain("integrated_gradients", _X, **settings)
    assert seen and e.notes == ()
    expected = explain(_one_layer, "integrated_gradients", _X, **settings).attributions
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-12)
