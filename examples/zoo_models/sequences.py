"""Recurrent, convolutional and gated networks for sequences, and mixtures of experts."""

from typing import Any

import keras
from keras import layers, ops
import numpy as np

from zoo_models.base import add, numbers, several, tokens


@add("BiLSTM + GRU", numbers(20, 8), part="quick")
def bilstm_gru() -> Any:
    """Returns two bidirectional LSTMs and a GRU."""
    inputs = keras.Input((20, 8))
    x = layers.Bidirectional(layers.LSTM(16, return_sequences=True))(inputs)
    x = layers.Bidirectional(layers.LSTM(12, return_sequences=True))(x)
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.GRU(12)(x)))


@add("masked LSTM", tokens(24, 60, padded=True), layer="words", part="quick")
def masked_lstm() -> Any:
    """Returns two LSTMs that mask padding, explained at the embedding."""
    inputs = keras.Input((24,), dtype="int32")
    x = layers.Embedding(60, 16, mask_zero=True, name="words")(inputs)
    x = layers.LSTM(16)(layers.LSTM(16, return_sequences=True)(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


@add("LSTM 100 steps", numbers(100, 20))
def deep_lstm() -> Any:
    """Returns three LSTMs over a long sequence, with features of unit length before the last layer."""
    x = inputs = keras.Input((100, 20))
    for _ in range(2):
        x = layers.LSTM(32, return_sequences=True)(x)
    x = layers.UnitNormalization()(layers.Dense(32, activation="relu")(layers.LSTM(32)(x)))
    return keras.Model(inputs, layers.Dense(6, activation="softmax")(x))


@add("ConvLSTM", numbers(6, 10, 10, 3))
def conv_lstm() -> Any:
    """Returns two recurrent convolutions over frames."""
    inputs = keras.Input((6, 10, 10, 3))
    x = layers.ConvLSTM2D(6, 3, padding="same", return_sequences=True)(inputs)
    x = layers.ConvLSTM2D(4, 3)(layers.BatchNormalization()(x))
    return keras.Model(inputs, layers.Dense(4, activation="softmax")(layers.Flatten()(x)))


@add("seq2seq", several([numbers(12, 10), numbers(8, 6)]), target=(7, 2))
def seq2seq() -> Any:
    """Returns an encoder, a decoder that starts from the encoder's states, and additive attention between both."""
    source, so_far = keras.Input((12, 10)), keras.Input((8, 6))
    encoded, *states = layers.LSTM(16, return_sequences=True, return_state=True)(source)
    decoded = layers.LSTM(16, return_sequences=True)(so_far, initial_state=states)
    context = layers.AdditiveAttention()([decoded, encoded])
    joined = layers.Dense(16, activation="tanh")(layers.Concatenate()([decoded, context]))
    return keras.Model([source, so_far], layers.Dense(9, activation="softmax")(joined))


@add("TCN", numbers(40, 6), part="quick")
def tcn() -> Any:
    """Returns causal, dilated convolutions with skips."""
    inputs = keras.Input((40, 6))
    x = layers.Conv1D(12, 1)(inputs)
    for dilation in (1, 2, 4, 8):
        y = x
        for _ in range(2):
            y = layers.Conv1D(12, 3, padding="causal", dilation_rate=dilation)(y)
            y = layers.Activation("relu")(layers.LayerNormalization()(y))
        x = layers.Activation("relu")(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x[:, -1]))


@add("GLU net", numbers(24, 8), part="quick")
def glu() -> Any:
    """Returns gated convolutions, by `keras.activations.glu` and by a product."""
    inputs = keras.Input((24, 8))
    x = keras.activations.glu(layers.Conv1D(32, 3, padding="same")(inputs))
    for dilation in (2, 4):
        value = layers.Conv1D(16, 3, padding="same", dilation_rate=dilation)(x)
        gate = layers.Conv1D(16, 3, padding="same", dilation_rate=dilation, activation="sigmoid")(x)
        x = layers.Add()([x, layers.Multiply()([value, gate])])
    x = layers.GlobalMaxPooling1D()(x)
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


@add("highway net", numbers(20), part="quick")
def highway() -> Any:
    """Returns layers with gates that decide how much of their input they keep."""
    inputs = keras.Input((20,))
    x = layers.Dense(24)(inputs)
    for _ in range(6):
        gate = layers.Dense(24, activation="sigmoid")(x)
        x = gate * layers.Dense(24, activation="elu")(x) + (1.0 - gate) * x
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


@add("mixture of experts", numbers(20), part="quick")
def mixture() -> Any:
    """Returns four experts, weighted by a softmax of the same input."""
    inputs = keras.Input((20,))
    experts = [layers.Dense(16, activation="silu")(layers.Dense(24, activation="relu")(inputs)) for _ in range(4)]
    gates = layers.Dense(4, activation="softmax")(layers.Dense(12, activation="tanh")(inputs))
    x = ops.einsum("be,bed->bd", gates, ops.stack(experts, axis=1))
    return keras.Model(inputs, layers.Dense(5, activation="softmax")(x))


@add("byte-level conv", tokens(96, 257), layer="bytes")
def byte_level() -> Any:
    """Returns strided convolutions over bytes, with layer normalisation and GELU."""
    inputs = keras.Input((96,), dtype="int32")
    x = layers.Embedding(257, 24, name="bytes")(inputs)
    for channels in (32, 48, 64):
        x = layers.Conv1D(channels, 5, strides=2, padding="same", use_bias=False)(x)
        x = layers.Activation("gelu")(layers.LayerNormalization()(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return keras.Model(inputs, layers.Dense(6, activation="softmax")(x))


def _one_hot(random: np.random.Generator, count: int) -> np.ndarray:
    return np.eye(4)[random.integers(0, 4, (count, 200))]


@add("genomics residual", _one_hot)
def genomics() -> Any:
    """Returns dilated residual convolutions over one-hot bases, as in splice-site predictors."""
    inputs = keras.Input((200, 4))
    x = layers.Conv1D(24, 1)(inputs)
    skip = layers.Conv1D(24, 1)(x)
    for dilation in (1, 1, 4, 4, 10, 10):
        y = x
        for _ in range(2):
            y = layers.Activation("relu")(layers.BatchNormalization()(y))
            y = layers.Conv1D(24, 9, padding="same", dilation_rate=dilation)(y)
        x = layers.Add()([x, y])
        skip = layers.Add()([skip, layers.Conv1D(24, 1)(x)])
    x = layers.Conv1D(3, 1)(layers.Cropping1D(40)(skip))
    return keras.Model(inputs, layers.Softmax()(x[:, 60]))
