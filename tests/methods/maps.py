"""Networks split by hand at a layer, whose class activation maps NumPy then makes."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import filled, floats

X = np.random.default_rng(0).normal(size=(3, 9, 8, 2))
TARGET = 1
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}  # of the largest number


@functools.cache
def network(dtype: str) -> keras.Model:
    """Two convolutions, `first` and `last`, and a dense layer with a softmax."""
    layers = keras.layers
    with floats(dtype):
        inputs = keras.Input((9, 8, 2))
        hidden = layers.Conv2D(3, 3, padding="same", activation="softplus", name="first")(inputs)
        hidden = layers.Conv2D(4, 2, activation="gelu", name="last")(layers.MaxPooling2D(2, name="pooled")(hidden))
        return filled(keras.Model(inputs, layers.Dense(3, activation="softmax", name="out")(layers.Flatten()(hidden))))


def ends(dtype: str, at: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns activations A of the network's layer `at`, and the gradient of the target's logit there."""
    model = network(dtype)
    activations = keras.Model(model.input, model.get_layer(at).output)(X.astype(dtype))
    with tf.GradientTape() as tape:
        tape.watch(activations)
        hidden = model.get_layer("last")(model.get_layer("pooled")(activations)) if at == "first" else activations
        out = model.get_layer("out")
        logit = (tf.reshape(hidden, [3, -1]) @ out.kernel + out.bias)[:, TARGET]
    return np.asarray(activations), np.asarray(tape.gradient(logit, activations))


@functools.cache
def opened(dtype: str) -> dx.DeepExplain:
    return dx.DeepExplain(network(dtype)).__enter__()


def upsampled(maps: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Returns maps `[batch, ...]` interpolated along one axis after the other."""
    for axis, size in enumerate(sizes, 1):
        length = maps.shape[axis]
        centers = (np.arange(size) + 0.5) * length / size - 0.5
        along = lambda values, centers=centers, length=length: np.interp(centers, np.arange(length), values)  # noqa: E731
        maps = np.apply_along_axis(along, axis, maps)
    return maps


def assert_map(method: str, expected: np.ndarray, dtype: str, at: str) -> None:
    """Asserts that a method finds a map `[batch, rows, columns]` at a layer, by itself and over the input."""
    allowed = TOLERANCES[dtype] * np.abs(expected).max()
    assert allowed > 0
    names = [at, None] if at == "last" else [at]
    for name in names:
        e = opened(dtype).explain(method, X, target=TARGET, at=name, upsample=False)
        np.testing.assert_allclose(e.attributions, expected[..., np.newaxis], rtol=0, atol=allowed)
    e = opened(dtype).explain(method, X, target=TARGET, at=at)
    over = np.repeat(upsampled(expected, X.shape[1:3])[..., np.newaxis], 2, -1)
    np.testing.assert_allclose(e.attributions, over, rtol=0, atol=allowed)
    assert e.attributions.dtype == dtype and e.completeness_gap is None


def by_hand(x: tf.Tensor) -> tf.Tensor:
    """Two channels A = x and 5 − x of a picture `[batch, 2, 2, 1]`, and their sum by the weights of `SLOPES`."""
    kernel, bias = np.array([[[[1.0, -1.0]]]]), np.array([0.0, 5.0])
    return tf.reduce_sum((tf.nn.conv2d(x, kernel, 1, "VALID") + bias) * SLOPES, [1, 2, 3])


SLOPES = np.stack([[[1.0, 0], [0, 1]], [[0, 2.0], [0, -2]]], -1)
PICTURE = np.array([[1.0, 2], [3, 4]])[np.newaxis, ..., np.newaxis]
FIRST, SECOND = PICTURE[0, ..., 0], 5 - PICTURE[0, ..., 0]  # the activations


def found_by_hand(method: str, **options: Any) -> np.ndarray:
    """Returns a method's map of `PICTURE`, `[2, 2]`."""
    with dx.DeepExplain(by_hand) as de:
        e = de.explain(method, PICTURE, **options)
    np.testing.assert_allclose(e.outputs, [1 - 2 * 2 + 3 * 4], rtol=1e-14)
    return e.attributions[0, ..., 0]
