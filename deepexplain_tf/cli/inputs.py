"""The flags that name the examples and the target, and the user's files as inputs and baselines of a model."""

import dataclasses
from typing import Any

from absl import flags
import numpy as np

from deepexplain_tf.arguments import pictures
from deepexplain_tf.cli import files, model as models, progress, values as parse
from deepexplain_tf.cli.files import Array
from deepexplain_tf.errors import InputError, OptionError

_TEXTS = (
    (
        "input",
        None,
        """A picture (.png, .jpg, .tif, .bmp, .gif, .webp) or a folder of them, stretched to the size that the model
        takes; or an .npy file [batch, …]; or an .npz file with one array for each input of the model, by its name; or
        a .csv file with a header, a row for each example and a column for each feature or input.""",
    ),
    (
        "target",
        None,
        """The output to explain: 7; or one for each example, as 3,8; or an index into several axes, as
        (4,2). Without it: the class that the model predicts.""",
    ),
    (
        "baseline",
        None,
        """What the inputs are compared with: a number, or an .npy or .npz file, in the units of the model; or
        a picture, which is treated as those of --input. Without it: zeros, for methods that have a baseline.""",
    ),
    (
        "preprocess",
        "none",
        """How pixels become inputs: none (0..255), unit (0..1), symmetric (-1..1), or MEAN,SCALE for
        (pixel - MEAN) / SCALE.""",
    ),
    (
        "behind",
        "white",
        """The colour behind transparent pixels: a name, '#rrggbb', a grey of 0..255, or R,G,B. A model of 4 channels
        takes the transparency itself.""",
    ),
    (
        "value_range",
        None,
        """LOW,HIGH: the values that are black and white in pictures of more than 8 bits. Files of floats, of signed and
        of 32-bit numbers need it; in others it goes before their depth, as 0,4095 for 12 bits in a 16-bit file.""",
    ),
    (
        "max_memory",
        None,
        "The memory that the work may take beside the model, as 2GiB. It sets --chunk_size.",
    ),
)
_READING = {name: default for name, default, _ in _TEXTS if name in ("preprocess", "behind", "value_range")}
_NUMBERS = (
    ("batch_size", "The number of examples at a time. It changes memory and time, but no result."),
    ("chunk_size", "The number of model evaluations at a time. It changes memory and time, but no result."),
    ("seed", "The seed of the random numbers."),
)


def define(values: flags.FlagValues) -> None:
    """Defines the flags."""
    for name, default, words in _TEXTS:
        flags.DEFINE_string(name, default, words, flag_values=values)
    for name, words in _NUMBERS:
        flags.DEFINE_integer(name, None, words, flag_values=values)


@dataclasses.dataclass(frozen=True)
class Examples:
    """A batch for a model.

    Attributes:
        inputs: An array, or a list or dict of them, as the library takes it.
        names: One for each example, to name files after; None where the files name none.
        pictures: `[batch, height, width, channels]`, what a person would look at; None if the inputs are no
            pictures.
    """

    inputs: Any
    names: list[str] | None = None
    pictures: Array | None = None


def picture_options(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns how `read_pictures` is to read pictures.

    Raises:
        OptionError: A flag that says something else.
    """
    texts = {name: flag[name].value for name in _READING}
    options: dict[str, Any] = {name: text and parse.name_or_numbers(text) for name, text in texts.items()}
    try:
        pictures.check_options(**options)
    except OptionError as error:
        raise OptionError(f"--{error}") from None
    return options


def read(flag: flags.FlagValues) -> tuple[dict[str, Any], Examples, Any]:
    """Returns the arguments of `DeepExplain`, the examples and the baseline."""
    with progress.bar(1, "reading the model and the inputs"):
        reading = picture_options(flag)
        model = models.read(flag)
        reader = Reader(model["model"].specs, **reading)
        return model, reader.examples(flag.input), reader.baseline(flag.baseline)


def sizes(flag: flags.FlagValues) -> dict[str, Any]:
    """Returns how much is done at once, and the seed."""
    return {name: flag[name].value for name in ("batch_size", "chunk_size", "max_memory", "seed")}


class Reader:
    """Reads what a model takes; pictures are stretched to its size and preprocessed.

    Args:
        specs: The model's inputs, a structure of `tf.TensorSpec`; None where the model does not tell them.
        reading: How pictures are read, as `picture_options` returns it.
    """

    def __init__(self, specs: Any, **reading: Any):
        self._specs = specs
        self._reading = {**_READING, **reading}

    def _pictures(self, path: str) -> Examples:
        shape, found = pictures.in_colours(picture_shape(self._specs)), pictures.files_of(path)
        pixels = pictures.read_pictures(found, shape, **{**self._reading, "preprocess": "none"})
        inputs = pictures.preprocessed(pixels, self._reading["preprocess"])
        return Examples(inputs, files.names_of(found), np.rint(pixels).astype(np.uint8))

    def examples(self, path: str) -> Examples:
        """Reads a picture, a folder of pictures, an `.npy` or an `.npz` file."""
        if pictures.is_picture(path):
            return self._pictures(path)
        for name, value in self._reading.items():
            if value != _READING[name]:
                raise OptionError(f"--{name} is for pictures. Got {value!r} with the arrays of {path}.")
        if path.endswith(".csv"):
            return Examples(files.read_table(path))
        arrays = files.read_arrays(path)
        if isinstance(arrays, np.ndarray) and arrays.ndim == 4 and arrays.shape[-1] in (1, 3):
            return Examples(arrays, pictures=arrays)
        return Examples(arrays)

    def baseline(self, text: str | None) -> Any:
        """Reads a number, or a file as for `examples`, where one picture is one example. None stays."""
        if text is None:
            return None
        if (number := parse.number(text)) is not None:
            return number
        if not pictures.is_picture(text):
            return files.read_arrays(text)
        inputs = self._pictures(text).inputs
        return inputs[0] if len(inputs) == 1 else inputs


def picture_shape(specs: Any) -> tuple[int | None, ...]:
    """Returns the shape of one example of a model's only input.

    Raises:
        InputError: The model has several inputs, or does not tell them.
    """
    import tensorflow as tf

    from deepexplain_tf.arguments.structure import names_of

    if specs is None:
        raise InputError(
            "this model does not tell the size of the pictures it takes: give --input_signature or an .npy file."
        )
    found = tf.nest.flatten(specs)
    if len(found) != 1:
        raise InputError(f"pictures go to a model with one input. Got one with {names_of(specs)}: give an .npz file.")
    return tuple(found[0].shape[1:])
