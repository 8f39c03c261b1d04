"""Tests of `lines.py` and of the integrals along them."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.paths.quadrature import QUADRATURES
from tests.checks import explain, in_turn, pairs_in_turn, plain_integral


@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("chunk_size", in_turn([3, 1, 100], 3))
def test_program_adds_up_the_weighted_gradients(quadrature, chunk_size):
    """∂(x³)/∂x along the path, in chunks that do and do not divide the number of steps."""
    x, x0 = np.array([[2.0, -1.0], [0.5, 3.0]]), np.array([-1.0, 0.5])
    options = {"quadrature": quadrature, "n_steps": 7, "chunk_size": chunk_size}
    e = explain(lambda x: x**3, "integrated_gradients", x, target=(1,), baseline=x0, **options)
    nodes, weights = QUADRATURES[quadrature](7)
    points = x0 + nodes[:, None, None] * (x - x0)
    expected = (x - x0) * np.tensordot(weights, 3 * points**2, 1)
    np.testing.assert_allclose(e.attributions, expected * [0, 1], rtol=1e-12)
    assert e.n_steps == 7


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_dtypes_are_added_up_in_a_wider_one(dtype):
    """A thousand equal steps of a linear function lose nothing."""
    x = np.array([[1.5, -2.0]]).astype(tf.as_dtype(dtype).as_numpy_dtype)
    options = {"n_steps": 1000, "quadrature": "midpoint", "chunk_size": 50}
    e = explain(lambda x: tf.reduce_sum(x * 0.75, 1), "integrated_gradients", x, **options)
    assert e.attributions.dtype == x.dtype
    np.testing.assert_array_equal(e.attributions.astype(np.float64), [[1.125, -1.5]])


def test_very_many_steps_are_added_up_without_loss():
    x, x0 = np.array([[2.0, -1.0]]), np.array([-1.0, 0.5])
    options = {"quadrature": "midpoint", "n_steps": 100_000, "chunk_size": 1024}
    e = explain(lambda x: tf.reduce_sum(x**3, 1), "integrated_gradients", x, baseline=x0, **options)
    np.testing.assert_allclose(e.attributions, x**3 - x0**3, rtol=1e-9)


@pytest.mark.parametrize(("chunk_size", "jit_compile"), pairs_in_turn(itertools.product([2, 5, 64], [False, True]), 3))
def test_each_example_has_its_own_baseline_target_and_inputs_beside(jit_compile, chunk_size):
    """Chunks cross the borders between examples; what the affine part hands on is gathered by example."""
    generator = np.random.default_rng(0)
    table = generator.normal(size=(4, 3))
    x, x0 = generator.normal(size=(2, 3, 4))
    scale = np.array([[2], [3], [5]], np.int32)
    inputs = {"x": keras.Input((4,), dtype="float64", name="x"), "n": keras.Input((1,), dtype="int32", name="n")}
    hidden = keras.layers.Identity(name="hidden", dtype="float64")(inputs["x"])
    factor = keras.ops.cast(inputs["n"], "float64")
    model = keras.Model(inputs, keras.ops.tanh(keras.ops.matmul(hidden, table) / 3.0) * factor)
    e = explain(
        model,
        "integrated_gradients",
        {"x": x, "n": scale},
        layer="hidden",
        baseline=x0,
        target=[0, 2, 1],
        n_steps=7,
        chunk_size=chunk_size,
        jit_compile=jit_compile,
    )
    for row, unit in enumerate([0, 2, 1]):

        def alone(z: tf.Tensor, row: int = row, unit: int = unit) -> tf.Tensor:
            return tf.tanh(z @ table / 3.0)[:, unit] * scale[row, 0]

        (expected,) = plain_integral(alone, [x[[row]]], [x0[[row]]], 7)
        np.testing.assert_allclose(e.attributions[[row]], expected, rtol=0, atol=1e-12)
