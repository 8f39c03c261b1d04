"""Tests of `graph/passes/last_product.py`, and of integrals that compute one unit of a last dense layer."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph.passes import last_product
from tests.checks import explain, plain_integral, program_of, run_program
from tests.models import filled

_RANDOM = np.random.default_rng(0)
_X = _RANDOM.normal(size=(3, 4))
_KERNEL, _BIAS, _SQUARE = (tf.constant(_RANDOM.normal(size=shape)) for shape in ((4, 6), (6,), (4, 4)))

_TAKEN = {
    "product": lambda x: tf.tanh(x) @ _KERNEL,
    "with a bias": lambda x: tf.tanh(x) @ _KERNEL + _BIAS,
    "bias first": lambda x: _BIAS + tf.tanh(x) @ _KERNEL,
    "BiasAdd": lambda x: tf.nn.bias_add(tf.tanh(x) @ _KERNEL, _BIAS),
    "passed on": lambda x: tf.identity(tf.identity(tf.tanh(x) @ _KERNEL + _BIAS)),
    "a computed kernel": lambda x: tf.tanh(x) @ (_KERNEL * 2.0 + 1.0),
    "a computed bias": lambda x: tf.tanh(x) @ _KERNEL + tf.exp(_BIAS),
}
_LEFT = {
    "another function": lambda x: tf.nn.softmax(tf.tanh(x) @ _KERNEL),
    "the kernel varies": lambda x: tf.matmul(tf.tanh(x), tf.transpose(x) @ x),
    "transposed kernel": lambda x: tf.matmul(tf.tanh(x), tf.transpose(_KERNEL) + 0.0, transpose_b=True),
    "transposed": lambda x: tf.matmul(_SQUARE[:3], tf.tanh(x), transpose_a=True),
    "a factor": lambda x: (tf.tanh(x) @ _KERNEL) * _BIAS,
    "a sum that varies": lambda x: tf.tanh(x) @ _KERNEL + x[:, :1],
    "one bias for all": lambda x: tf.tanh(x) @ _KERNEL + 1.0,
    "a bias for a row of them": lambda x: tf.tanh(x) @ _KERNEL + _BIAS[tf.newaxis],
    "more axes": lambda x: tf.tensordot(tf.reshape(tf.tanh(x), [-1, 2, 2]), _KERNEL[:2], 1),
}


@pytest.mark.parametrize("name", _TAKEN)
def test_the_parts_of_a_last_dense_layer(name: str):
    program = program_of(_TAKEN[name], _X)
    parts = last_product(program)
    assert parts is not None
    assert len(parts.outputs) == (2 if "product" in name or "kernel" in name else 3)
    hidden, kernel, *bias = run_program(parts, _X)
    assert hidden.shape == (3, 4) and kernel.shape == (4, 6)
    np.testing.assert_allclose(hidden @ kernel + sum(bias), _TAKEN[name](tf.constant(_X)), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", _LEFT)
def test_what_does_not_end_in_one(name: str):
    assert last_product(program_of(_LEFT[name], _X)) is None


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_narrow_layer_is_left_as_its_sums_are_wider(dtype: str):
    narrow = lambda x: tf.cast(tf.tanh(x), dtype) @ tf.cast(_KERNEL, dtype)  # noqa: E731
    assert last_product(program_of(narrow, _X)) is None


# --- integrals --------------------------------------------------------------------------------------------


def _network(use_bias: bool, dtype: str = "float64", units: int = 6) -> keras.Model:
    inputs = keras.Input((4,), dtype=dtype)
    hidden = keras.layers.Dense(5, activation="softplus", dtype=dtype)(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(units, use_bias=use_bias, dtype=dtype)(hidden)))


def _selected(outputs: tf.Tensor, target: Any) -> tf.Tensor:
    """Returns the target by hand."""
    if callable(target):
        return target(outputs)
    target = np.asarray(target)
    if target.dtype.kind == "f":
        return tf.reduce_sum(outputs * target, 1)
    return tf.gather(outputs, np.broadcast_to(target, len(outputs)), batch_dims=1)


_TARGETS = {
    "one": 2,
    "one each": [5, 0, 2],
    "the last": -1,
    "weights": _RANDOM.normal(size=(3, 6)),
    "function": lambda outputs: tf.reduce_sum(tf.tanh(outputs), 1),
}


@pytest.mark.parametrize("name", _TARGETS)
@pytest.mark.parametrize(
    ("use_bias", "jit_compile"),
    [
        (True, False),
        *(pytest.param(*pair, marks=pytest.mark.long) for pair in ((False, True), (False, False), (True, True))),
    ],
)
def test_integrals_of_any_target(name: str, use_bias: bool, jit_compile: bool):
    model, target, x0 = _network(use_bias), _TARGETS[name], _RANDOM.normal(size=(1, 4))
    at = 5 if name == "the last" else target
    arguments = {"baseline": x0, "n_steps": 8, "jit_compile": jit_compile}
    found = explain(model, "integrated_gradients", _X, target=target, chunk_size=5, **arguments)
    (expected,) = plain_integral(lambda x: _selected(model(x), at), [_X], [x0])
    np.testing.assert_allclose(found.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(found.outputs, _selected(model(_X), at), rtol=1e-12)
    values = _selected(model(np.repeat(x0, 3, 0)), at)
    np.testing.assert_allclose(found.baseline_outputs, values, rtol=1e-12)


def test_the_weights_may_change_between_calls():
    model = _network(True)
    with dx.DeepExplain(model) as de:
        attribute = de.explainer("integrated_gradients", n_steps=8)
        for target in (1, [0, 5, 3]):
            (expected,) = plain_integral(lambda x, t=target: _selected(model(x), t), [_X], [np.zeros((1, 4))])
            found = attribute(_X, target=target).attributions
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
            for weight in model.weights:
                weight.assign(weight * 0.8 + 0.05)


def test_one_unit_alone_has_no_axis_to_choose_from():
    model = _network(True, units=1)
    found = explain(model, "integrated_gradients", _X, n_steps=8).attributions
    (expected,) = plain_integral(lambda x: model(x)[:, 0], [_X], [np.zeros((1, 4))])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
