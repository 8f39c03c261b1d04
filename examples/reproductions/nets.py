"""The kinds of nets that reproductions train, and their training."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import math
import pathlib
from typing import Any

import keras
from keras import layers
import numpy as np
import tensorflow as tf

from reproductions import data, photos
from reproductions.data import Data

_HELD_OUT = 0.1  # fraction of the training examples for early stopping
_PATIENCE = 1
_WIDTH = 32  # of embedded words


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of nets and of their training.

    Attributes:
      units: the units of each hidden dense layer of the MLPs.
      filters: the filters of a CNN's first convolution.
      training: the largest number of training examples.
      epochs: the largest number of epochs.
    """

    units: int = 512
    filters: int = 32
    training: int = 60_000
    epochs: int = 10


FULL = Sizes()
MIDDLE = Sizes(training=20_000)  # where nets need not be the best
SMALL = Sizes(filters=8, training=20_000)  # of nets that are explained thousands of times
QUICK = Sizes(units=64, filters=4, training=4_000, epochs=3)


@dataclasses.dataclass(frozen=True)
class Net:
    """A net whose outputs are logits.

    Attributes:
      model: examples → logits `[batch, classes]`.
      head: explained tensor → logits.
      layer: the layer whose output is explained; None for the inputs.
      block: the side in pixels of a feature of pictures.
    """

    model: keras.Model
    head: keras.Model
    layer: str | None = None
    block: int = 1

    def explained(self, x: np.ndarray) -> np.ndarray:
        """Returns the explained tensor at examples."""
        return x if self.layer is None else np.asarray(self.model.get_layer(self.layer)(tf.constant(x)))

    @property
    def features(self) -> np.ndarray:
        """The number of each element's feature: a pixel, a block or a word; shaped like an example."""
        *positions, last = self.head.input_shape[1:]
        blocks = [np.arange(length) // self.block for length in positions]
        shape = tuple(int(block[-1]) + 1 for block in blocks)
        numbers = np.arange(math.prod(shape)).reshape(shape)[np.ix_(*blocks)]
        return np.repeat(numbers[..., np.newaxis], last, -1)

    @property
    def one_feature(self) -> dict[str, Any]:
        """Options of occlusion: a window is one of the features."""
        *positions, last = self.head.input_shape[1:]
        return whole_feature((*[self.block] * len(positions), last))


def whole_feature(window: tuple[int, ...]) -> dict[str, Any]:
    """Returns options of occlusion: a window is one feature, whose drop is divided among its elements."""
    return {"window_shape": window, "strides": window, "normalise": "window"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of net and its data.

    Attributes:
      title: its name.
      load: folder → data.
      build: makes an untrained net, or loads a trained one.
      epochs: the largest number of epochs; 0 for a net that is trained already.
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


def efficientnet(sizes: Sizes) -> Net:
    """Returns EfficientNet-Lite0, trained on ImageNet, whose features are blocks of 16 × 16 pixels."""
    del sizes
    model = photos.without_softmax(photos.model())
    return Net(model, model, block=16)


def _word_net(length: int, *hidden: layers.Layer) -> Net:
    """Returns a net that is explained at its embedding."""
    numbers, embedded = keras.Input((length,), dtype="int32"), keras.Input((length, _WIDTH))
    x = embedded
    for layer in (*hidden, layers.Dense(2)):
        x = layer(x)
    head = keras.Model(embedded, x)
    model = keras.Model(numbers, head(layers.Embedding(data.WORDS, _WIDTH, name="words")(numbers)))
    return Net(model, head, "words")


def lstm(length: int, sizes: Sizes) -> Net:
    """Returns an LSTM over embedded words."""
    del sizes
    return _word_net(length, layers.LSTM(64))


def word_mlp(length: int, sizes: Sizes) -> Net:
    """Returns an MLP over embedded words, with two hidden layers."""
    return _word_net(length, layers.Flatten(), *(layers.Dense(sizes.units // 4, "relu") for _ in range(2)))


def word_cnn(length: int, sizes: Sizes) -> Net:
    """Returns a CNN over embedded words: windows of three words, the largest of each feature."""
    return _word_net(length, layers.Conv1D(2 * sizes.filters, 3, activation="relu"), layers.GlobalMaxPooling1D())


def _mails(title: str, length: int, build: Callable[[int, Sizes], Net]) -> Kind:
    loaded, built = functools.partial(data.mails, length), functools.partial(build, length)
    return Kind(f"spam, {title}, {length} words", loaded, built)


ACTIVATIONS = {"relu": "ReLU", "tanh": "tanh", "sigmoid": "sigmoid", "softplus": "softplus"}
KINDS: Mapping[str, Kind] = {
    **{
        f"mlp_{name}": Kind(f"MNIST, MLP, {title}", data.digits, functools.partial(mlp, name))
        for name, title in ACTIVATIONS.items()
    },
    "cnn_relu": Kind("MNIST, CNN, ReLU", data.digits, cnn, epochs=3),
    "clothes": Kind("Fashion-MNIST, CNN, ReLU", data.clothes, cnn, epochs=3),
    "lstm": _mails("LSTM", 60, lstm),
    "lstm_short": _mails("LSTM", 25, lstm),
    "word_mlp": _mails("MLP", 60, word_mlp),
    "word_cnn": _mails("CNN", 60, word_cnn),
    "photos": Kind("photos, EfficientNet-Lite0", data.crops, efficientnet, epochs=0),
    "linear": Kind("MNIST, softmax regression", data.digits, linear),
}
TITLES = {name: kind.title for name, kind in KINDS.items()}


def train(kind: Kind, known: Data, sizes: Sizes, seed: int) -> tuple[Net, float]:
    """Returns a trained net and its accuracy on the test examples; NaN for a net that was trained elsewhere."""
    keras.utils.set_random_seed(seed)
    net = kind.build(sizes)
    if not kind.epochs:
        return net, float("nan")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.model.compile(keras.optimizers.Adam(), loss, metrics=["accuracy"])
    stop = keras.callbacks.EarlyStopping(patience=_PATIENCE, restore_best_weights=True)
    x, y = known.x[: sizes.training], known.y[: sizes.training]
    options = {
        "batch_size": 128,
        "epochs": min(kind.epochs, sizes.epochs),
        "validation_split": _HELD_OUT,
        "verbose": 0,
    }
    net.model.fit(x, y, callbacks=[stop], **options)
    _, accuracy = net.model.evaluate(known.test_x, known.test_y, batch_size=1000, verbose=0)
    return net, accuracy
