"""The works of the benchmark: a batch each, and a model with random weights or trained ones."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers
import numpy as np

from benchmark_works.base import Sizes, Subject, Work
from choices import DEMO
from deepexplain_tf.demo import efficientnet_lite0, photos
from zoo_models.calibration import calibrate

_TARGET = 1
_TO_CALIBRATE = 8  # rows at least, since a single row has no variance


def _numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _subject(sizes: Sizes, model: Any, shape: Sequence[int], steps: int, target: int = _TARGET) -> Subject:
    """Returns a subject with random weights and a random batch, for a model whose outputs are logits."""
    rows, *features = shape
    x = _numbers(max(rows, _TO_CALIBRATE), *features)
    if sizes.calibrated:
        calibrate(model, x)
    return Subject(model, x[:rows], steps, target, lambda points: model(points, training=False))


def _mlp(sizes: Sizes, widths: Sequence[int], rows: int, steps: int, target: int = _TARGET) -> Subject:
    hidden = [layers.Dense(width, activation="relu") for width in widths[1:-1]]
    model = keras.Sequential([keras.Input((widths[0],)), *hidden, layers.Dense(widths[-1])])
    return _subject(sizes, model, (rows, widths[0]), steps, target)


def _wide_mlp(sizes: Sizes) -> Subject:
    return _mlp(sizes, *(((2_000, 64, 32, 10), 16, 40) if sizes.quick else ((20_000, 256, 64, 10), 64, 200)))


def _tabular_mlp(sizes: Sizes) -> Subject:
    return _mlp(sizes, *(((200, 64, 64, 1), 16, 40) if sizes.quick else ((2_000, 512, 512, 1), 64, 200)), target=0)


def _resnet50(sizes: Sizes) -> Subject:
    size = sizes.pictures or (64 if sizes.quick else 224)
    model = keras.applications.ResNet50(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    rows, steps = (2, 8) if sizes.quick else (8, 50)
    return _subject(sizes, model, (rows, size, size, 3), steps)


def _efficientnet(sizes: Sizes) -> Subject:
    model = efficientnet_lite0.load()
    logits = keras.Model(model.input, model.get_layer("logits").output)
    x = efficientnet_lite0.preprocess(photos.load("coffee", efficientnet_lite0.IMAGE_SIZE))[np.newaxis]
    target = int(np.argmax(logits(x)))
    return Subject(model, x, 8 if sizes.quick else 64, target, lambda points: logits(points, training=False))


_FEATURES = 64


def _recurrent(sizes: Sizes) -> tuple[list[Any], int, int, int]:
    """Returns the layers after the features, the length of the sequence, the rows and the steps."""
    return [layers.LSTM(8 if sizes.quick else 64), layers.Dense(5)], *((20, 4, 10) if sizes.quick else (200, 16, 50))


def _lstm(sizes: Sizes) -> Subject:
    after, length, rows, steps = _recurrent(sizes)
    model = keras.Sequential([keras.Input((length, _FEATURES)), *after])
    return _subject(sizes, model, (rows, length, _FEATURES), steps)


def _lstm_tokens(sizes: Sizes) -> Subject:
    after, length, rows, steps = _recurrent(sizes)
    embedding = layers.Embedding(1_000, _FEATURES, name="embedding")
    model = keras.Sequential([keras.Input((length,), dtype="int32"), embedding, *after])
    x = np.random.default_rng(0).integers(1, 1_000, (rows, length)).astype(np.int32)
    if sizes.calibrated:
        calibrate(model, x)
    logits = keras.Sequential([keras.Input((length, _FEATURES)), *after])
    return Subject(model, x, steps, _TARGET, lambda points: logits(points, training=False), embedding, "embedding")


def _many_steps(sizes: Sizes) -> Subject:
    convolutions = [layers.Conv2D(filters, 3, 2, activation="relu") for filters in (16, 32)]
    model = keras.Sequential([keras.Input((32, 32, 3)), *convolutions, layers.Flatten(), layers.Dense(10)])
    return _subject(sizes, model, (1, 32, 32, 3), 1_000 if sizes.quick else 10_000)


_PLAIN_RATIO = "plain ratio"
_RATIO, _MEMORY_RATIO, _FIRST_RATIO, _GROWTH = "ratio", "memory ratio", "first ratio", "growth MB"
_PICTURE_CHUNKS = (8, 16, 32)

_SINGLE = {"gradient_x_input": 1.05, "epsilon_lrp": 1.1}

WORKS = {
    "wide_mlp": Work(_wide_mlp, {_RATIO: 0.03}),
    "resnet50": Work(
        _resnet50, {_RATIO: 0.9, _MEMORY_RATIO: 1.0}, _PICTURE_CHUNKS, single={**_SINGLE, "deeplift": 1.2}
    ),
    "efficientnet": Work(
        _efficientnet,
        {_FIRST_RATIO: 1.5},
        _PICTURE_CHUNKS,
        first_call=True,
        packages=DEMO,
    ),
    "lstm": Work(_lstm, {_RATIO: 1.1, _PLAIN_RATIO: 1.1}, single={**_SINGLE, "deeplift": 1.5}),
    "lstm_tokens": Work(_lstm_tokens, {_RATIO: 1.1, _PLAIN_RATIO: 1.1}),
    "tabular_mlp": Work(_tabular_mlp, {_RATIO: 0.4}, single={}),
    # The allocator alone moves this figure by some megabytes between runs.
    "many_steps": Work(_many_steps, {_GROWTH: 16.0}, growth=True),
}
