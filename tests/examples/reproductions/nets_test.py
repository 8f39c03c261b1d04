import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from reproductions import data, nets

_TINY = nets.Sizes(units=5, filters=1, training=200, epochs=1)
_GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("name", [name for name, kind in nets.KINDS.items() if kind.epochs])
def test_nets_end_in_logits(name):
    keras.utils.set_random_seed(0)
    net = nets.KINDS[name].build(_TINY)
    classes = 2 if net.layer else 10
    assert net.model.output_shape == net.head.output_shape == (None, classes)
    shape = (3, *net.model.input_shape[1:])
    sums = tf.reduce_sum(net.model(_GENERATOR.integers(0, 2, shape)), 1)
    assert float(tf.reduce_min(tf.abs(sums - 1))) > 1e-3, "no logits"


def test_words_are_removed_from_an_lstm_as_whole_features():
    length = 9
    net = nets.lstm(length, _TINY)
    x = _GENERATOR.integers(1, data.WORDS, (2, length)).astype(np.int32)
    classes = np.array([1, 0])
    with dx.DeepExplain(net.model, layer=net.layer) as de:
        attributions = de.explain("occlusion", x, target=classes, **net.one_feature).attributions
    embedded = net.explained(x)
    np.testing.assert_allclose(net.head(embedded), net.model(x), rtol=1e-5, atol=1e-6)
    for word in (0, length - 1):
        without = embedded.copy()
        without[:, word] = 0
        drop = [float((net.head(embedded) - net.head(without))[row, classes[row]]) for row in range(2)]
        np.testing.assert_allclose(attributions[:, word].sum(-1), drop, rtol=1e-3, atol=1e-6)


def test_features_are_pixels_blocks_or_words():
    pictures, words = nets.linear(_TINY), nets.lstm(7, _TINY)
    assert pictures.features.ravel().tolist() == list(range(784))
    assert words.features.tolist() == [[word] * 32 for word in range(7)]
    blocks = dataclasses.replace(pictures, block=14).features[..., 0]
    np.testing.assert_array_equal(blocks, np.kron([[0, 1], [2, 3]], np.ones((14, 14))))
