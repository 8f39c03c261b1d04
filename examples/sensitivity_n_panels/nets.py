"""The kinds of nets, one for each panel, and their training."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import pathlib

import keras
from keras import layers
import numpy as np
import tensorflow as tf

from sensitivity_n_panels import data
from sensitivity_n_panels.data import Data

_HELD_OUT = 0.1  # fraction of the training examples for early stopping
_PATIENCE = 1


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of training and measurement.

    Attributes:
      nets: the number of nets per panel, which differ by their seed.
      examples: the number of explained test examples.
      subsets: the number of random subsets of features for each n.
      units: the units of each hidden dense layer of the MLPs.
      filters: the filters of the CNN's first convolution.
      training: the largest number of training examples.
      epochs: the largest number of epochs.
    """

    nets: int = 3
    examples: int = 150
    subsets: int = 100
    units: int = 512
    filters: int = 32
    training: int = 60_000
    epochs: int = 10


FULL = Sizes()
QUICK = Sizes(nets=1, examples=16, subsets=40, units=64, filters=4, training=4_000, epochs=3)


@dataclasses.dataclass(frozen=True)
class Net:
    """A net whose outputs are logits.

    Attributes:
      model: examples → logits `[batch, classes]`.
      head: explained tensor → logits.
      layer: the layer whose output is explained; None for the inputs.
    """

    model: keras.Model
    head: keras.Model
    layer: str | None = None

    def explained(self, x: np.ndarray) -> np.ndarray:
        """Returns the explained tensor at examples."""
        return x if self.layer is None else np.asarray(self.model.get_layer(self.layer)(tf.constant(x)))


@dataclasses.dataclass(frozen=True)
class Panel:
    """A kind of net and its data.

    Attributes:
      title: the title above the curves.
      load: folder → data.
      build: makes an untrained net.
      epochs: the largest number of epochs.
    """

    title: str
    load: Callable[[pathlib.Path], Data]
    build: Callable[[Sizes], Net]
    epochs: int = 10


def _picture_net(*hidden: layers.Layer) -> Net:
    model = keras.Sequential([keras.Input((28, 28, 1)), *hidden, layers.Dense(10)])
    return Net(model, model)


def mlp(activation: str, sizes: Sizes) -> Net:
    """Returns an MLP with two hidden layers."""
    return _picture_net(layers.Flatten(), *(layers.Dense(sizes.units, activation) for _ in range(2)))


def cnn(sizes: Sizes) -> Net:
    """Returns a CNN with two convolutions, max-pooling and a hidden dense layer."""
    convolutions = [layers.Conv2D(count * sizes.filters, 3, activation="relu") for count in (1, 2)]
    return _picture_net(*convolutions, layers.MaxPooling2D(), layers.Flatten(), layers.Dense(128, "relu"))


def linear(sizes: Sizes) -> Net:
    """Returns a softmax regression."""
    del sizes
    return _picture_net(layers.Flatten())


def lstm(length: int, sizes: Sizes) -> Net:
    """Returns an LSTM over embedded words, explained at the embedding."""
    del sizes
    numbers, width = keras.Input((length,), dtype="int32"), 32
    embedded = keras.Input((length, width))
    head = keras.Model(embedded, layers.Dense(2)(layers.LSTM(64)(embedded)))
    model = keras.Model(numbers, head(layers.Embedding(data.WORDS, width, name="words")(numbers)))
    return Net(model, head, "words")


def _mails(length: int) -> Panel:
    load, build = functools.partial(data.mails, length), functools.partial(lstm, length)
    return Panel(f"spam, LSTM, {length} words", load, build)


ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "softplus": "softplus"}
PANELS: Mapping[str, Panel] = {
    **{
        f"mlp_{name}": Panel(f"MNIST, MLP, {title}", data.digits, functools.partial(mlp, name))
        for name, title in ACTIVATIONS.items()
    },
    "cnn_relu": Panel("MNIST, CNN, ReLU", data.digits, cnn, epochs=3),
    "lstm": _mails(60),
    "lstm_short": _mails(25),
    "linear": Panel("MNIST, softmax regression", data.digits, linear),
}


def train(panel: Panel, known: Data, sizes: Sizes, seed: int) -> tuple[Net, float]:
    """Returns a trained net and its accuracy on the test examples."""
    keras.utils.set_random_seed(seed)
    net = panel.build(sizes)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping(patience=_PATIENCE, restore_best_weights=True)
    x, y = known.x[: sizes.training], known.y[: sizes.training]
    options = {
        "batch_size": 128,
        "epochs": min(panel.epochs, sizes.epochs),
        "validation_split": _HELD_OUT,
        "verbose": 0,
    }
    net.model.fit(x, y, callbacks=[stop], **options)
    _, accuracy = net.model.evaluate(known.test_x, known.test_y, batch_size=1000, verbose=0)
    return net, accuracy
