"""Transformers: encoders, a causal decoder, image transformers, and padding masks written in several ways."""

from typing import Any

import keras
from keras import layers, ops
import numpy as np

from zoo_models.base import Draw, add, images, numbers, tokens

_LENGTH, _WIDTH, _VOCABULARY = 16, 32, 50


class _Positions(layers.Layer):
    """Adds a learnt vector to each position."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=shape[1:], name="embeddings")

    def call(self, x: Any) -> Any:
        return x + self.table


class _FirstToken(layers.Layer):
    """Puts a learnt vector in front of a sequence."""

    def build(self, shape: Any) -> None:
        self.vector = self.add_weight(shape=(1, 1, shape[-1]), name="embeddings")

    def call(self, x: Any) -> Any:
        return ops.concatenate([ops.repeat(self.vector, ops.shape(x)[0], axis=0), x], axis=1)


def _block(x: Any, *, pre_norm: bool, causal: bool = False, activation: str = "gelu") -> Any:
    width = x.shape[-1]

    def attend(y: Any) -> Any:
        return layers.MultiHeadAttention(4, width // 4)(y, y, use_causal_mask=causal)

    def transform(y: Any) -> Any:
        return layers.Dense(width)(layers.Dense(4 * width, activation=activation)(y))

    for part in (attend, transform):
        if pre_norm:
            x = layers.Add()([x, part(layers.LayerNormalization()(x))])
        else:
            x = layers.LayerNormalization()(layers.Add()([x, part(x)]))
    return x


def _encoder(pre_norm: bool) -> Any:
    inputs = keras.Input((_LENGTH, _WIDTH))
    x = _Positions()(inputs)
    for _ in range(2):
        x = _block(x, pre_norm=pre_norm)
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


@add("encoder pre-norm", numbers(_LENGTH, _WIDTH), part="quick")
def encoder_pre_norm() -> Any:
    """Returns two blocks that normalise before attention."""
    return _encoder(True)


@add("encoder post-norm", numbers(_LENGTH, _WIDTH), part="quick")
def encoder_post_norm() -> Any:
    """Returns two blocks that normalise after attention."""
    return _encoder(False)


@add("ViT", images(32))
def vision_transformer() -> Any:
    """Returns a ViT: patches of an image as tokens, four blocks, and a class token."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Reshape((-1, 48))(layers.Conv2D(48, 8, strides=8)(inputs))
    x = _Positions()(_FirstToken()(x))
    for _ in range(4):
        x = _block(x, pre_norm=True)
    x = layers.LayerNormalization()(x)[:, 0]
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def _windows(x: Any) -> Any:
    """Returns the 4 × 4 windows of `[batch, 16, 16, c]` as a longer batch of 16 tokens each."""
    x = ops.reshape(x, (-1, 4, 4, 4, 4, x.shape[-1]))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 16, x.shape[-1]))


def _from_windows(x: Any) -> Any:
    x = ops.reshape(x, (-1, 4, 4, 4, 4, x.shape[-1]))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 16, 16, x.shape[-1]))


@add("Swin", images(32))
def swin() -> Any:
    """Returns a Swin: attention within windows, which every second block shifts."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(_WIDTH, 2, strides=2)(inputs)
    for shift in (0, 2, 0, 2):
        y = _windows(ops.roll(layers.LayerNormalization()(x), (-shift, -shift), (1, 2)))
        y = layers.MultiHeadAttention(4, _WIDTH // 4)(y, y)
        x = layers.Add()([x, ops.roll(_from_windows(y), (shift, shift), (1, 2))])
        y = layers.Dense(4 * _WIDTH, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(_WIDTH)(y)])
    x = layers.GlobalAveragePooling2D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


@add("GPT", tokens(_LENGTH, _VOCABULARY), target=(_LENGTH - 1, 7), layer="words")
def gpt() -> Any:
    """Returns four causal blocks; the target is one next word."""
    inputs = keras.Input((_LENGTH,), dtype="int32")
    x = _Positions()(layers.Embedding(_VOCABULARY, _WIDTH, name="words")(inputs))
    for _ in range(4):
        x = _block(x, pre_norm=True, causal=True)
    x = layers.LayerNormalization()(x)
    return keras.Model(inputs, layers.Dense(_VOCABULARY, activation="softmax")(x))


def _draw_with_mask(length: int) -> Draw:
    def draw(random: np.random.Generator, count: int) -> Any:
        ids = tokens(length, _VOCABULARY, padded=True)(random, count)
        return [ids, (ids > 0).astype(np.int32), random.integers(0, 2, ids.shape).astype(np.int32)]

    return draw


class _SelfAttention(layers.Layer):
    """Self-attention from basic ops, which adds a large negative number to the scores of padding."""

    def __init__(self, heads: int, masked: float):
        super().__init__()
        self.heads, self.masked = heads, masked

    def build(self, shape: Any) -> None:
        width = shape[-1]
        self.projections = [layers.Dense(width) for _ in range(3)]
        for projection in self.projections:
            projection.build(shape)

    def call(self, x: Any, mask: Any) -> Any:
        batch, length, width = ops.shape(x)[0], x.shape[1], x.shape[2]

        def split(y: Any) -> Any:
            return ops.transpose(ops.reshape(y, (batch, length, self.heads, width // self.heads)), (0, 2, 1, 3))

        query, key, value = (split(projection(x)) for projection in self.projections)
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))) / np.sqrt(width // self.heads)
        absent = ops.cast(mask, "bool")[:, None, None, :]
        scores = scores + ops.where(absent, 0.0, ops.cast(self.masked, scores.dtype))
        mixed = ops.transpose(ops.matmul(ops.softmax(scores), value), (0, 2, 1, 3))
        return ops.reshape(mixed, (batch, length, width))


def _bert(masked: float) -> Any:
    words, mask, segments = (keras.Input((24,), dtype="int32") for _ in range(3))
    x = layers.Embedding(_VOCABULARY, _WIDTH, name="words")(words) + layers.Embedding(2, _WIDTH)(segments)
    x = layers.LayerNormalization(epsilon=1e-12)(_Positions()(x))
    for _ in range(4):
        attended = layers.Dense(_WIDTH)(_SelfAttention(4, masked)(x, mask))
        x = layers.LayerNormalization(epsilon=1e-12)(x + attended)
        wide = layers.Dense(4 * _WIDTH, activation="gelu")(x)
        x = layers.LayerNormalization(epsilon=1e-12)(x + layers.Dense(_WIDTH)(wide))
    pooled = layers.Dense(_WIDTH, activation="tanh")(x[:, 0])
    return keras.Model([words, mask, segments], layers.Dense(3, activation="softmax")(pooled))


@add("BERT −1e9 mask", _draw_with_mask(24), layer="words")
def bert_finite_mask() -> Any:
    """Returns four post-norm blocks over padded words and a tanh pooler; masked scores are −1e9."""
    return _bert(-1e9)


@add("BERT −inf mask", _draw_with_mask(24), layer="words")
def bert_infinite_mask() -> Any:
    """Returns the same network with masked scores of −∞."""
    return _bert(-np.inf)
