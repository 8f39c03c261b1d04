"""Small translators, with attention and without, and their training."""

import keras
from keras import layers
import numpy as np

from alignment_parts.languages import LENGTH, SOURCE, TARGET

EMBEDDING = "source_words"  # the layer that is explained
ATTENTION = "attention"
WIDTH = 32


def build(units: int, *, attention: bool) -> keras.Model:
    """Returns an untrained translator.

    Its inputs are the numbers of the source `[batch, LENGTH]` and of what was said before `[batch, LENGTH]`, its output
    the logits of the next word at each position, `[batch, LENGTH, len(TARGET)]`. The encoder is a GRU in both
    directions, the decoder a GRU that begins where the encoder ends; with attention, each of its steps also looks at
    the encoder's outputs (Luong, Pham, Manning, EMNLP 2015, https://arxiv.org/abs/1508.04025). Padding is masked.
    """
    source, said = keras.Input((LENGTH,), dtype="int32"), keras.Input((LENGTH,), dtype="int32")
    read = layers.Embedding(len(SOURCE), WIDTH, mask_zero=True, name=EMBEDDING)(source)
    encoder = layers.Bidirectional(layers.GRU(units // 2, return_sequences=True, return_state=True))
    encoded, forward, backward = encoder(read)
    words = layers.Embedding(len(TARGET), WIDTH, mask_zero=True)(said)
    decoder = layers.GRU(units, return_sequences=True)
    decoded = decoder(words, initial_state=layers.Concatenate()([forward, backward]))
    if attention:
        decoded = layers.Concatenate()([decoded, layers.Attention(name=ATTENTION)([decoded, encoded])])
    hidden = layers.Dense(units, "tanh")(decoded)
    return keras.Model([source, said], layers.Dense(len(TARGET))(hidden))


def train(
    source: np.ndarray, said: np.ndarray, target: np.ndarray, *, attention: bool, units: int, epochs: int, seed: int
) -> keras.Model:
    """Returns a translator that was trained with the right words said before; padding does not count."""
    keras.utils.set_random_seed(seed)
    model = build(units, attention=attention)
    model.compile(keras.optimizers.Adam(5e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = (target > 0).astype(np.float32)
    model.fit([source, said], target, sample_weight=weights, batch_size=128, epochs=epochs, verbose=0)
    return model
