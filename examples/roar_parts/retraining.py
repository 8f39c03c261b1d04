"""A network that is trained again and again, each time from new weights."""

import keras
import numpy as np

from reproductions import nets

_BATCH = 64
_RATE = 2e-3


class Retrained:
    """A small CNN, compiled once.

    Attributes:
      model: pictures → logits, with the weights of the last training.
    """

    def __init__(self, sizes: nets.Sizes) -> None:
        """Args: the sizes of the network and the number of epochs."""
        self._sizes = sizes
        self.model = nets.cnn(sizes).model
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(keras.optimizers.Adam(_RATE), loss, metrics=["accuracy"], jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self._start = [variable.numpy() for variable in self.model.optimizer.variables]

    def train(self, x: np.ndarray, y: np.ndarray, seed: int) -> None:
        """Trains new weights; all randomness is that of the seed."""
        keras.utils.set_random_seed(seed)
        self.model.set_weights(nets.cnn(self._sizes).model.get_weights())
        for variable, value in zip(self.model.optimizer.variables, self._start, strict=True):
            variable.assign(value)
        self.model.fit(x, y, batch_size=_BATCH, epochs=self._sizes.epochs, verbose=0)

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """Returns the share of pictures whose class is seen."""
        return float((self.model.predict(x, batch_size=1000, verbose=0).argmax(-1) == y).mean())
