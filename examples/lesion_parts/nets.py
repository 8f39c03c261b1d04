"""The nets that look for lesions."""

import keras
from keras import layers
import numpy as np

from lesion_parts.pictures import SIDE, Pictures


def train(known: Pictures, seed: int, epochs: int) -> keras.Model:
    """Returns a trained CNN, pictures `[batch, SIDE, SIDE, 3]` → logit `[batch, 1]`, positive for a lesion."""
    keras.utils.set_random_seed(seed)
    stack: list[layers.Layer] = []
    for filters in (12, 24, 24):
        # The mean and variance of few steps are recent: a momentum of 0.99 would still remember the start.
        stack += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization(momentum=0.9), layers.ReLU()]
    stack.insert(3, layers.MaxPooling2D())
    model = keras.Sequential([keras.Input((SIDE, SIDE, 3)), *stack, layers.GlobalAveragePooling2D(), layers.Dense(1)])
    steps = epochs * -(-len(known.x) // 32)
    rate = keras.optimizers.schedules.CosineDecay(5e-3, steps)
    model.compile(keras.optimizers.Adam(rate), keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(known.x, known.labels[:, np.newaxis], batch_size=32, epochs=epochs, verbose=0)
    return model
