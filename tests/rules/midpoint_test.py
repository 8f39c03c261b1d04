"""Tests of `rules/midpoint.py`."""

import numpy as np
import pytest
import tensorflow as tf

from tests import references as ref
from tests.checks import assert_sums, explain, multipliers
from tests.references import numbers


def test_product_of_two_inputs():
    a, b, a0, b0 = numbers(0, (4, 3), (4, 3), 3, 3)
    found = multipliers(tf.multiply, [a, b], [a0, b0])
    np.testing.assert_allclose(found[0], (b + b0) / 2, rtol=1e-14)
    np.testing.assert_allclose(found[1], (a + a0) / 2, rtol=1e-14)


def test_product_with_itself_is_the_square():
    x, x0 = numbers(1, (4, 3), 3)
    (found,) = multipliers(lambda x: x * x, [x], [x0])
    np.testing.assert_allclose(found, x + x0, rtol=1e-14)


def test_matrix_product():
    a, b, a0, b0 = numbers(2, (2, 3, 4), (2, 4, 5), (3, 4), (4, 5))
    upstream = np.random.default_rng(3).normal(size=(2, 3, 5))
    found = multipliers(tf.matmul, [a, b], [a0, b0], upstream)
    np.testing.assert_allclose(found[0], upstream @ np.swapaxes((b + b0) / 2, 1, 2), rtol=1e-12)
    np.testing.assert_allclose(found[1], np.swapaxes((a + a0) / 2, 1, 2) @ upstream, rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a * b[:, :, :1],
        lambda a, b: a[:, :1] * b[:, :, :1],
        lambda a, b: a[:, 0] * tf.reduce_sum(b, [1, 2])[:, None],
        lambda a, b: tf.einsum("bij,bkj->bik", a, b),
        lambda a, b: tf.matmul(a, b, transpose_b=True),
        lambda a, b: tf.linalg.matvec(a, b[:, 0]),
        lambda a, b: tf.linalg.cross(a, b),
        lambda a, b: tf.math.multiply_no_nan(a, b),
        lambda a, b: (a * b) * a,
        lambda a, b: tf.stack([a * b, b * a * 2.0], 1)[:, :, 0],
    ],
    ids=["row", "column", "scalar", "einsum", "transposed", "matvec", "cross", "no nan", "cube", "stacked"],
)
def test_every_bilinear_op_sums_with_broadcasting(function):
    a, b, a0, b0 = numbers(4, (2, 3, 3), (2, 3, 3), (3, 3), (3, 3))
    a[0, 0], b[1] = a0[0], b0  # some features of one example, all of one input in the other
    assert_sums(function, [a, b], [a0, b0])


def test_filters_that_depend_on_the_input():
    image, filters, image0, filters0 = numbers(5, (1, 4, 4, 2), (1, 2, 2, 2, 3), (4, 4, 2), (2, 2, 2, 3))

    def convolve(image, filters):
        return tf.nn.conv2d(image, filters[0], 1, "VALID")[:, :1, :, 0]

    assert_sums(convolve, [image, filters], [image0, filters0])


@pytest.mark.parametrize("magnitude", [1e-160, 1e-8, 1e8, 1e150])
def test_any_magnitude(magnitude):
    a, b, a0, b0 = numbers(6, (2, 3), (2, 3), 3, 3)
    assert_sums(tf.multiply, [a * magnitude, b / magnitude], [a0 * magnitude, b0 / magnitude])


def test_equal_points_have_the_gradient():
    a, b = numbers(7, 3, 3)
    found = multipliers(tf.multiply, [a[None], b[None]], [a, b])
    np.testing.assert_allclose(found, [b[None], a[None]], rtol=1e-14)


def test_gates_in_a_network():
    layers = [
        *ref.random_network(0, [4, 6], "tanh"),
        ref.Gate(ref.random_network(1, [6, 5, 6], "sigmoid"), ref.random_network(2, [6, 6], "tanh")),
        *ref.random_network(3, [6, 2], "relu"),
    ]
    x, x0 = numbers(8, (5, 4), 4)
    e = explain(ref.in_tensorflow(layers), "deeplift", x, target=1, baseline=x0)
    np.testing.assert_allclose(e.attributions, ref.deeplift(layers, x, x0, 1), rtol=1e-11, atol=1e-13)


def test_shared_baseline_beside_a_constant_with_the_batch():
    """What is not explained may carry the batch, where the model has a fixed one."""
    x, x0, mask = numbers(9, (4, 3), 3, (4, 3))

    def masked(x):
        return tf.tanh(x * tf.constant(mask)) * tf.concat([x[:, :2], tf.constant(mask[:, :1])], 1)

    signature = [tf.TensorSpec([4, 3], tf.float64)]
    shared = explain(masked, "deeplift", x, target=1, baseline=x0, input_signature=signature)
    each = explain(masked, "deeplift", x, target=1, baseline=np.tile(x0, (4, 1)), input_signature=signature)
    np.testing.assert_allclose(shared.attributions, each.attributions, rtol=1e-14)
    np.testing.assert_allclose(shared.attributions.sum(1), shared.outputs - shared.baseline_outputs, rtol=1e-12)
