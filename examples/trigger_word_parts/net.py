"""The text CNN of Kim (EMNLP 2014, https://arxiv.org/abs/1408.5882), small, and its training."""

from typing import Any

import keras
from keras import layers, ops
import numpy as np

from trigger_word_parts.questions import LENGTH, TYPES, VOCABULARY

EMBEDDING = "words"  # the layer that is explained
WIDTH = 32


class ZeroPadding(keras.constraints.Constraint):
    """Keeps the embedding of padding at zero, so that padding is like no word and has no attribution."""

    def __call__(self, w: Any) -> Any:
        """Returns the embeddings with zeros for padding."""
        return w * ops.cast(ops.arange(ops.shape(w)[0])[:, None] > 0, w.dtype)


def build(filters: int) -> keras.Model:
    """Returns an untrained net: numbers of words `[batch, LENGTH]` → probabilities of the types of the answer."""
    numbers = keras.Input((LENGTH,), dtype="int32")
    embed = layers.Embedding(len(VOCABULARY), WIDTH, embeddings_constraint=ZeroPadding(), name=EMBEDDING)
    words = embed(numbers)
    windows = [layers.Conv1D(filters, size, activation="relu", padding="same")(words) for size in (2, 3, 4)]
    largest = layers.Concatenate()([layers.GlobalMaxPooling1D()(window) for window in windows])
    return keras.Model(numbers, layers.Dense(len(TYPES), "softmax")(layers.Dropout(0.5)(largest)))


def train(x: np.ndarray, y: np.ndarray, *, filters: int, epochs: int, seed: int) -> keras.Model:
    """Returns a net that was trained on questions as numbers `[n, LENGTH]` and their types `[n]`."""
    keras.utils.set_random_seed(seed)
    model = build(filters)
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model
