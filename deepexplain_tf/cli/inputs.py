"""The user's files as inputs and baselines of the user's model."""

import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.cli import files, model as models, values
from deepexplain_tf.cli.files import Array
from deepexplain_tf.errors import OptionError


@dataclasses.dataclass(frozen=True)
class Examples:
    """A batch for a model.

    Attributes:
        inputs: An array, or a list, tuple or dict of them, as the model takes it.
        names: One for each example, to name files after; None where the files name none.
        pictures: `[batch, height, width, channels]`, what a person would look at; None if the inputs are no
            pictures.
    """

    inputs: Any
    names: list[str] | None = None
    pictures: Array | None = None


class Reader:
    """Reads what a model takes; pictures are stretched to its size and preprocessed.

    Args:
        model: A Keras model.
        preprocess: What `--preprocess` says.

    Raises:
        OptionError: A `preprocess` that is not understood.
    """

    def __init__(self, model: Any, preprocess: str):
        self._model = model
        self._mean, self._scale = files.preprocessing(preprocess)
        self._preprocess = preprocess

    def _prepared(self, pixels: Array) -> Array:
        return (pixels.astype(np.float32) - np.float32(self._mean)) / np.float32(self._scale)

    def _arrays(self, path: str) -> Any:
        read = files.read_arrays(path)
        return models.arrange(read, self._model) if isinstance(read, dict) else read

    def _pictures(self, path: str) -> Examples:
        names, pixels = files.read_pictures(path, models.picture_shape(self._model))
        return Examples(self._prepared(pixels), names, pixels)

    def examples(self, path: str) -> Examples:
        """Reads a picture, a folder of pictures, an `.npy` or an `.npz` file."""
        if files.is_picture(path):
            return self._pictures(path)
        if self._preprocess != "none":
            raise OptionError(f"--preprocess is for pictures. Got {self._preprocess!r} with the arrays of {path}.")
        arrays = self._arrays(path)
        drawable = isinstance(arrays, np.ndarray) and arrays.ndim == 4 and arrays.shape[-1] in (1, 3)
        return Examples(arrays, pictures=arrays if drawable else None)

    def baseline(self, text: str | None) -> Any:
        """Reads a number, or a file as for `examples`, where one picture is one example. None stays."""
        if text is None:
            return None
        if (number := values.number(text)) is not None:
            return number
        if not files.is_picture(text):
            return self._arrays(text)
        pictures = self._pictures(text).inputs
        return pictures[0] if len(pictures) == 1 else pictures
