"""Tests of `methods/score_cam.py`."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError
from tests.checks import explain, message_of
from tests.methods.maps import (
    FIRST,
    SECOND,
    TARGET,
    TOLERANCES,
    X,
    ends,
    found_by_hand,
    network,
    opened,
    upsampled,
)


def one_after_the_other(dtype: str, at: str, baseline: Any = 0.0) -> np.ndarray:
    """Returns the maps of all examples by a bare loop over the channels."""
    (activations, _), x, scores = ends(dtype, at), X.astype(dtype), []
    for channel in np.moveaxis(activations, -1, 0):
        over = upsampled(channel, x.shape[1:3])
        least, greatest = (reduce(over, (1, 2), keepdims=True) for reduce in (np.min, np.max))
        mask = ((over - least) / (greatest - least))[..., np.newaxis]
        logits = np.log(network(dtype)(baseline + mask * (x - baseline)))
        scores.append(np.exp(logits[:, TARGET] - logits[:, 0]))
    weights = np.transpose(scores / np.sum(scores, 0))[:, np.newaxis, np.newaxis]
    return np.maximum((weights * activations).sum(-1), 0)


def difference(outputs: tf.Tensor) -> tf.Tensor:
    """Of two logits, which a softmax keeps."""
    return outputs[:, TARGET] - outputs[:, 0]


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("at", ["last", pytest.param("first", marks=pytest.mark.long)])  # another layer, the same loop
def test_a_bare_loop_over_channels(dtype: str, at: str):
    expected = one_after_the_other(dtype, at)
    e = opened(dtype).explain("score_cam", X, target=difference, at=at, upsample=False)
    allowed = TOLERANCES[dtype] * np.abs(expected).max()
    np.testing.assert_allclose(e.attributions[..., 0], expected, rtol=0, atol=allowed)
    over = opened(dtype).explain("score_cam", X, target=difference, at=at, chunk_size=2).attributions
    np.testing.assert_allclose(over[..., 1], upsampled(expected, X.shape[1:3]), rtol=0, atol=allowed)


def test_a_baseline_is_blended_in():
    baseline = np.random.default_rng(1).normal(size=X.shape[1:])
    e = opened("float64").explain("score_cam", X, target=difference, baseline=baseline, upsample=False)
    expected = one_after_the_other("float64", "last", baseline)
    np.testing.assert_allclose(e.attributions[..., 0], expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    logits = np.log(network("float64")(baseline[np.newaxis]))[0]
    np.testing.assert_allclose(e.baseline_outputs, np.repeat(logits[TARGET] - logits[0], 3), rtol=1e-9)


def test_two_channels_by_hand():
    """The masks are (x − 1)/3 and (4 − x)/3, the targets of the masked pictures 32/3 and −5/3, that of zeros 0."""
    first = 1 / (1 + np.exp(-5 / 3 - 32 / 3))
    np.testing.assert_allclose(found_by_hand("score_cam"), first * FIRST + (1 - first) * SECOND, rtol=1e-12)


def test_a_channel_with_one_value_masks_all():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum((tf.nn.conv2d(x, tf.constant([[[[1.0, 0.0]]]]), 1, "SAME") + 1.0) ** 2, [1, 2, 3]) / 8

    x = np.array([[[[3.0], [1.0]]]], np.float32)
    found = explain(model, "score_cam", x, upsample=False).attributions[0, 0, :, 0]
    scores = np.exp([16 + 1 + 1 + 1, 4]) ** (1 / 8)  # of [3, 0], and of a picture of zeros
    squared = np.array([[16, 4], [1, 1]])
    np.testing.assert_allclose(found, scores @ squared / scores.sum(), rtol=1e-5)


def test_whole_numbers_cannot_be_masked():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.nn.conv1d(tf.cast(x, tf.float32), tf.ones([2, 1, 2]), 1, "SAME"), [1, 2])

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, 5, 1], tf.int32)]) as de:
        message_of(lambda: de.explain("score_cam", np.ones((2, 5, 1), int)), InputError, "floats", "int32", "layer=")
