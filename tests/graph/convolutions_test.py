"""Tests of `graph/convolutions.py`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.errors import UnknownNameError
from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.convolutions import channels_first, convolution_outputs, scope_output, takes_channels_first
from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.graph.sources.source import source_of
from deepexplain_tf.graph.trace import trace
from tests.checks import message_of, program_of

L = keras.layers
RNG = np.random.default_rng(0)
KERNEL, BIAS = tf.constant(RNG.normal(size=(3, 3, 2, 4))), tf.constant(RNG.normal(size=4))
PICTURES = np.zeros((2, 8, 8, 2))


def last(program: Program) -> Value:
    return next(convolution_outputs(program, analyse(program.inputs, program.outputs)))


_LAYERS: dict[str, tuple[tuple[int, ...], Callable[..., Any]]] = {
    "plain": ((8, 8, 3), lambda **k: L.Conv2D(4, 3, **k)),
    "without a bias": ((8, 8, 3), lambda **k: L.Conv2D(4, 3, use_bias=False, **k)),
    "dilated series": ((9, 3), lambda **k: L.Conv1D(4, 3, dilation_rate=2, **k)),
    "transposed series": ((9, 3), lambda **k: L.Conv1DTranspose(4, 3, **k)),
    "transposed": ((8, 8, 3), lambda **k: L.Conv2DTranspose(4, 3, strides=2, **k)),
    "volume": ((4, 5, 4, 2), lambda **k: L.Conv3D(3, 2, **k)),
    "depthwise": ((8, 8, 3), lambda **k: L.DepthwiseConv2D(3, **k)),
    "separable": ((8, 8, 3), lambda **k: L.SeparableConv2D(4, 3, **k)),
    "channels first": ((3, 8, 8), lambda **k: L.Conv2D(4, 3, data_format="channels_first", **k)),
}


@pytest.mark.parametrize(
    ("name", "activation"),
    [(name, "relu") for name in _LAYERS]
    + [("plain", kind) for kind in (None, "gelu", "silu", "hard_swish", "softplus", L.LeakyReLU(), "tanh")],
    ids=str,
)
def test_in_a_keras_model_it_is_the_output_of_the_layer(name: str, activation: Any):
    shape, make = _LAYERS[name]
    layers = [
        keras.Input(shape),
        make(activation=activation, name="conv"),
        L.BatchNormalization(),
        L.ReLU(),
        L.Flatten(),
    ]
    source = source_of(keras.Sequential([*layers, L.Dense(2)]))
    (marked,) = trace(source, None, inside="conv").inside  # by an op behind the layer
    assert last(trace(source, None).program).node.name == marked.node.inputs[0].node.name


def conv(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(x, KERNEL, 1, "SAME")


_FUNCTIONS: dict[str, tuple[Callable[[tf.Tensor], tf.Tensor], str]] = {
    "bias and activation": (lambda x: tf.nn.relu(conv(x) + BIAS) * 2.0, "Relu"),
    "an activation of several ops": (lambda x: (y := conv(x) + BIAS) * tf.sigmoid(1.7 * y), "mul_1"),
    "an activation with its own gradient": (lambda x: tf.nn.silu(conv(x)), "IdentityN"),
    "an activation as a condition": (lambda x: tf.tanh(tf.where((y := conv(x)) > 0, y, 0.1 * y)), "SelectV2"),
    "a normalisation": (
        lambda x: tf.nn.relu(tf.nn.batch_normalization(conv(x), BIAS, BIAS**2, BIAS, BIAS, 1e-3)),
        "Relu",
    ),
    "two branches behind it": (lambda x: tf.concat([tf.tanh(y := conv(x) + BIAS), tf.sigmoid(y)], -1), "add"),
    "a sum with another branch": (lambda x: tf.nn.relu(conv(x) + tf.reduce_mean(x, -1, keepdims=True)), "Conv2D"),
    "weights of positions": (lambda x: conv(x) * tf.ones([8, 8, 1], tf.float64), "Conv2D"),
    "the last of several": (
        lambda x: tf.nn.conv2d(
            tf.nn.relu(conv(x)), KERNEL[:, :, :1, :1] * tf.ones([1, 1, 4, 1], tf.float64), 1, "SAME"
        ),
        "Conv2D_1",
    ),
    "one with one position is none": (
        lambda x: tf.nn.conv2d(
            tf.reduce_mean(conv(x), [1, 2], keepdims=True), tf.ones([1, 1, 4, 3], tf.float64), 1, "SAME"
        ),
        "Conv2D",
    ),
    "one of constants is none": (lambda x: conv(x) + tf.reduce_sum(conv(tf.ones([1, 8, 8, 2], tf.float64))), "add"),
}


@pytest.mark.parametrize(("function", "name"), _FUNCTIONS.values(), ids=_FUNCTIONS)
def test_in_a_function_it_ends_behind_the_first_activation(function: Callable[[tf.Tensor], tf.Tensor], name: str):
    program = program_of(lambda x: tf.reduce_sum(function(x), [1, 2]), PICTURES)
    assert last(program).node.name == name


def test_a_scope_ends_it():
    def function(x: tf.Tensor) -> tf.Tensor:
        with tf.name_scope("block"):
            y = tf.tanh(tf.nn.relu(conv(x) + BIAS))
        return tf.reduce_sum(tf.exp(y), [1, 2])

    assert last(program_of(function, PICTURES)).node.name == "block/Tanh"


def test_no_convolution_is_found():
    program = program_of(lambda x: tf.tanh(x), PICTURES)
    assert list(convolution_outputs(program, analyse(program.inputs, program.outputs))) == []


def scoped(x: tf.Tensor) -> tf.Tensor:
    for name in ("left", "right"):
        with tf.name_scope(name), tf.name_scope("conv"):
            x = tf.nn.relu(x + 1.0) if name == "left" else tf.tanh(x)
    return x


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("left", "left/conv/Relu"),
        ("right/conv", "right/conv/Tanh"),
        ("conv:0", "left/conv/Relu"),
        ("conv:1", "right/conv/Tanh"),
        ("left/conv/add", "left/conv/add"),
        ("Relu", "left/conv/Relu"),
    ],
)
def test_scopes_and_ops_by_name(name: str, found: str):
    program = program_of(scoped, PICTURES)
    assert scope_output(program, analyse(program.inputs, program.outputs), name).node.name == found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conv", ("left/conv", "right/conv", "':0'")),
        ("conv:2", ("2 times",)),
        ("onv", ("unknown", "left/conv")),
        ("x", ("unknown",)),
    ],
)
def test_names_of_no_scope_or_of_several(name: str, words: tuple[str, ...]):
    program = program_of(scoped, PICTURES)
    activity = analyse(program.inputs, program.outputs)
    message_of(lambda: scope_output(program, activity, name), UnknownNameError, *words)


def turned(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(tf.transpose(x, [0, 3, 1, 2]), KERNEL, 1, "SAME", data_format="NCHW")


@pytest.mark.parametrize(
    ("function", "given_first", "found_first"),
    [
        (lambda x: tf.nn.relu(conv(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]))), False, False),
        (turned, False, True),
        (lambda x: tf.transpose(turned(x), [0, 2, 3, 1]), False, False),
        (
            lambda x: tf.nn.conv2d(
                x, KERNEL[:, :, :1] * tf.ones([1, 1, 8, 1], tf.float64), 1, "SAME", data_format="NCHW"
            ),
            True,
            True,
        ),
        (lambda x: conv(conv(tf.transpose(x, [0, 2, 3, 1])[..., :2])[..., :2]), True, False),
        (
            lambda x: tf.nn.conv2d(
                turned(x), KERNEL[:, :, :1] * tf.ones([1, 1, 4, 1], tf.float64), 1, "SAME", data_format="NCHW"
            ),
            False,
            True,
        ),
    ],
)
def test_where_channels_lie(function: Callable[[tf.Tensor], tf.Tensor], given_first: bool, found_first: bool):
    program = program_of(function, PICTURES)
    assert channels_first(program)[program.outputs[0]] == found_first
    assert takes_channels_first(program, program.inputs[0]) == given_first


def test_products_and_unknown_orders_tell_nothing():
    program = program_of(lambda x: tf.tensordot(turned(x), tf.ones([8, 3], tf.float64), 1), PICTURES)
    assert program.outputs[0] not in channels_first(program)
