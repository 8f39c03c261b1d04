"""Two networks over molecules: one whose messages carry the neighbours' states, and one whose messages do not."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers
import numpy as np
import tensorflow as tf

from molecule_parts.graphs import ATOMS, LARGEST, Molecules, encoded

FULL, DEGENERATE = "full", "degenerate"
_WIDTH = 24
_ROUNDS = 3
_ORDERS = 2  # single and double bonds


class Messages(layers.Layer):
    """The sum of the messages that arrive at each atom, `[batch, atoms, width]`, from states, ends and orders of bonds.

    A message is the neighbour's state times a matrix of the bond's order; or, for the degenerate network, a vector of
    the bond's order alone, so that the sum tells how many bonds of each order there are and nothing else.
    """

    def __init__(self, carries: bool, **options: Any):
        super().__init__(**options)
        self.carries = carries

    def build(self, shapes: Sequence[Sequence[int]]) -> None:
        """Makes the weights: `[width, orders, width]`, or `[orders, width]`."""
        width = shapes[0][-1]
        shape = (width, _ORDERS, width) if self.carries else (_ORDERS, width)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the sums."""
        states, ends, orders = inputs
        if self.carries:
            sent = tf.einsum("baw,wov->baov", states, self.kernel)  # by each atom along a bond of each order
            messages = tf.gather_nd(sent, tf.stack([ends[..., 0], orders], -1), batch_dims=1)
        else:
            messages = tf.gather(self.kernel, orders)
        batch, atoms, width = tf.shape(states)[0], states.shape[1], states.shape[2]
        # The atoms of all molecules stand in one row. The dummy of each gets a message, so no sum is missing.
        destinations = ends[..., 1] + atoms * tf.range(batch)[:, tf.newaxis]
        sums = tf.math.segment_sum(tf.reshape(messages, [-1, width]), tf.reshape(destinations, [-1]))
        return tf.reshape(sums, [batch, atoms, width])


class Readout(layers.Layer):
    """The sum of the states of atoms that have a bond, `[batch, width]`, from states and ends of bonds."""

    def call(self, inputs: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the sums."""
        states, ends = inputs
        bonded = tf.reduce_any(ends[..., 1, tf.newaxis] == tf.range(LARGEST), axis=1)
        return tf.reduce_sum(states[:, :LARGEST] * tf.cast(bonded, states.dtype)[..., tf.newaxis], axis=1)


def network(carries: bool) -> keras.Model:
    """Returns an untrained network in float64, atoms and bonds as `graphs.encoded` gives them → logit `[batch, 1]`."""
    atoms = keras.Input((LARGEST + 1, len(ATOMS)), dtype="float64", name="atoms")
    ends = keras.Input((None, 2), dtype="int32", name="ends")
    orders = keras.Input((None,), dtype="int32", name="orders")
    states = layers.Dense(_WIDTH, "relu", dtype="float64")(atoms)
    for _ in range(_ROUNDS):
        arrived = Messages(carries, dtype="float64")([states, ends, orders])
        own = layers.Dense(_WIDTH, dtype="float64")(states)
        states = layers.ReLU(dtype="float64")(layers.Add(dtype="float64")([own, arrived]))
    whole = Readout(dtype="float64")([states, ends])
    hidden = layers.Dense(_WIDTH, "relu", dtype="float64")(whole)
    return keras.Model([atoms, ends, orders], layers.Dense(1, dtype="float64")(hidden))


def train(kind: str, known: Molecules, seed: int, epochs: int) -> keras.Model:
    """Returns a trained network."""
    keras.utils.set_random_seed(seed)
    model = network(carries=kind == FULL)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    steps = epochs * -(-len(known.graphs) // 64)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)), loss)
    model.fit(encoded(known.graphs), known.labels[:, np.newaxis], batch_size=64, epochs=epochs, verbose=0)
    return model
