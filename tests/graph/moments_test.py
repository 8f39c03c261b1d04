"""Tests of `passes/moments.py`: the second derivative of a variance."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.passes import open_moments
from deepexplain_tf.graph.read import read_function

X = tf.constant(np.random.default_rng(0).normal(size=(2, 5)))


def moments(x: Any) -> Any:
    return tf.nn.moments(x, [1])[1]


def in_a_loop(x: Any) -> Any:
    return tf.while_loop(lambda n, _: n < 2, lambda n, x: (n + 1, x * moments(x)[:, None]), (0, x))[1]


def of_other_axes(x: Any) -> Any:
    return tf.reduce_mean(tf.math.squared_difference(x, tf.stop_gradient(tf.reduce_mean(x, 0))), [1])


def of_another_tensor(x: Any) -> Any:
    mean = tf.stop_gradient(tf.reduce_mean(2 * x, [1], keepdims=True))
    return tf.reduce_mean(tf.math.squared_difference(x, mean), [1])


def used_elsewhere(x: Any) -> Any:
    mean = tf.stop_gradient(tf.reduce_mean(x, [1], keepdims=True))
    return tf.reduce_mean(tf.math.squared_difference(x, mean), [1]) + mean[:, 0]


def stopped(x: Any) -> Any:
    return x * tf.stop_gradient(x)


def derivatives(function: Callable[[Any], Any]) -> list[np.ndarray]:
    """Returns the outputs, and their first and second derivatives along one direction."""

    @tf.function(autograph=False)
    def all_three(x: tf.Tensor) -> list[tf.Tensor]:
        outputs = function(x)
        (first,) = tf.gradients(outputs, x)
        (second,) = tf.gradients(first * tf.range(5, dtype=x.dtype), x, unconnected_gradients="zero")
        return [outputs, first, second]

    return [tensor.numpy() for tensor in all_three(X)]


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("function", [moments, in_a_loop, of_other_axes, of_another_tensor, used_elsewhere, stopped])
def test_only_the_second_derivative_of_moments_changes(function: Callable[[Any], Any], opened: bool):
    traced = tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec(X.shape, X.dtype))
    program, _ = read_function(traced)
    changed = open_moments(open_moments(program) if opened else program)
    outputs, first, second = derivatives(lambda x: emit(changed, {changed.inputs[0]: x})[0])
    wanted = derivatives(function)
    np.testing.assert_allclose(outputs, wanted[0], rtol=1e-14)
    np.testing.assert_allclose(first, wanted[1], rtol=1e-12, atol=1e-13)
    same = np.allclose(second, wanted[2], rtol=1e-10)
    assert same == (function not in (moments, in_a_loop))
