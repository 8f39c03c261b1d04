"""Tests of `methods/guided_grad_cam.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.errors import OptionError
from tests.checks import explain, message_of
from tests.methods.maps import upsampled

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(2, 6, 5, 2))
_KERNEL, _LAST = tf.constant(_RNG.normal(size=(3, 3, 2, 3))), tf.constant(_RNG.normal(size=(12, 2)))
_BIAS = tf.constant(_RNG.normal(size=3))


def _model(x: tf.Tensor) -> tf.Tensor:
    hidden = tf.nn.relu(tf.nn.conv2d(tf.tanh(x), _KERNEL, 2, "VALID") + _BIAS)
    return tf.reshape(hidden, [-1, 12]) @ _LAST


def test_the_guided_gradient_by_hand_times_the_map():
    z = tf.nn.conv2d(tf.tanh(X), _KERNEL, 2, "VALID") + _BIAS
    gradient = np.broadcast_to(tf.reshape(_LAST[:, 1], [1, 2, 2, 3]), (2, 2, 2, 3))  # by the activations ReLU(z)
    passed = np.where(z > 0, np.maximum(gradient, 0), 0)
    back = tf.nn.conv2d_transpose(passed, _KERNEL, X.shape, 2, "VALID") * (1 - np.tanh(X) ** 2)
    maps = np.maximum((gradient.mean((1, 2), keepdims=True) * np.maximum(z, 0)).sum(-1), 0)
    expected = np.asarray(back) * upsampled(maps, (6, 5))[..., np.newaxis]
    e = explain(_model, "guided_grad_cam", X, target=1)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_it_is_guided_backpropagation_times_grad_cam():
    guided, maps, both = (
        explain(_model, method, X, target=0).attributions
        for method in ("guided_backprop", "grad_cam", "guided_grad_cam")
    )
    np.testing.assert_allclose(both, guided * maps, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("upsample", [True, False])
def test_it_has_no_upsample(upsample: bool):
    message_of(lambda: explain(_model, "guided_grad_cam", X, upsample=upsample), OptionError, "upsample", "grad_cam")
