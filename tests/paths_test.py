"""Tests of `paths.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.quadrature import QUADRATURES
from tests.checks import explain


@pytest.mark.parametrize("quadrature", QUADRATURES)
@pytest.mark.parametrize("chunk_size", [1, 3, 100])
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
