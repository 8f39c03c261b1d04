"""The tokens behind the numbers that a model of text reads."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Any

import keras
import numpy as np

from deepexplain_tf.arguments.strings import is_strings
from deepexplain_tf.errors import InputError, OptionError, name_of, shortened
from deepexplain_tf.graph.places import layers_of

Rows = Sequence[Sequence[str]]
_POSSIBLE = (
    "a TextVectorization or StringLookup layer, a tokeniser with convert_ids_to_tokens or id_to_token, a vocabulary "
    "(a list of texts, or a dict of texts and numbers), or a function of one number"
)
_READ_BY = ("convert_ids_to_tokens", "id_to_token")  # methods of Hugging Face's and of KerasHub's tokenisers


@dataclasses.dataclass(frozen=True)
class Encoded:
    """Texts as a model takes them.

    Attributes:
      inputs: the model's inputs.
      tokens: for each text its tokens, "" for padding.
      length: the number of tokens of each text, with padding.
    """

    inputs: Any
    tokens: Rows

    @property
    def length(self) -> int:
        numbers = self.inputs["input_ids"] if isinstance(self.inputs, Mapping) else self.inputs
        return numbers.shape[1] if numbers.ndim > 1 else max(map(len, self.tokens))


def encode(model: Any, texts: Any, tokeniser: Any, tokens: Rows | None) -> Encoded:
    """Returns the inputs of a model for texts or for numbers of tokens, and the tokens that they stand for.

    Args:
      model: the model; a Keras model that takes strings is looked through for the layer that reads them.
      texts: a list of texts, `[batch]`; or texts `[batch, length]`, for a model that takes words; or whole numbers
        `[batch, length]`.
      tokeniser: what turned, or turns, texts into numbers; None where the model does.
      tokens: the tokens, where they are known.

    Raises:
      InputError: texts that are neither, or for which nothing tells the tokens.
      OptionError: a tokeniser of an unknown kind.
    """
    strings = isinstance(texts, list | tuple) or is_strings(texts)
    array = np.asarray(texts, object) if strings else np.asarray(texts)
    if array.ndim not in (1, 2) or not array.size:
        raise InputError(f"texts must be [batch], or words or numbers [batch, length]. Got shape {list(array.shape)}.")
    if not strings and array.dtype.kind not in "iu":
        raise InputError(f"texts must be strings, or whole numbers of tokens. Got {array.dtype}.")
    if tokens is not None:
        return Encoded(_inputs(array, tokeniser), tokens)
    if array.ndim == 2 and strings:
        return Encoded(array, array.tolist())
    if not strings:
        if tokeniser is None:
            raise InputError("numbers of tokens need tokens=, or tokeniser= to tell their texts. Got neither.")
        return Encoded(array, _read(array, reader(tokeniser)))
    vectorise = tokeniser if tokeniser is not None else _reading_layer(model)
    if isinstance(vectorise, keras.layers.TextVectorization):
        rows = _split(vectorise, array)
        return Encoded(array if tokeniser is None else np.asarray(vectorise(array.astype(str))), rows)
    inputs = _inputs(array, vectorise)
    numbers = inputs["input_ids"] if isinstance(inputs, Mapping) else inputs
    return Encoded(inputs, _read(numbers, reader(vectorise)))


def reader(tokeniser: Any) -> Callable[[int], str]:
    """Returns the function from the number of a token to its text.

    Raises:
      OptionError: a tokeniser of an unknown kind.
    """
    if hasattr(tokeniser, "get_vocabulary"):
        tokeniser = tokeniser.get_vocabulary()
    for name in _READ_BY:
        if hasattr(tokeniser, name):
            return getattr(tokeniser, name)
    if isinstance(tokeniser, Mapping):
        by_text = all(isinstance(key, str | bytes) for key in tokeniser)
        known = {number: text for text, number in tokeniser.items()} if by_text else dict(tokeniser)
        return lambda number: known.get(number, f"#{number}")
    if isinstance(tokeniser, list | tuple | np.ndarray):
        words = list(tokeniser)
        return lambda number: words[number] if 0 <= number < len(words) else f"#{number}"
    if callable(tokeniser):
        return tokeniser
    raise OptionError(f"a tokeniser must be {_POSSIBLE}. Got {shortened(tokeniser)}.")


def _read(numbers: np.ndarray, read: Callable[[int], Any]) -> list[list[str]]:
    if numbers.ndim != 2 or numbers.dtype.kind not in "iu":
        raise InputError(f"tokens must be whole numbers [batch, length]. Got {numbers.dtype}{list(numbers.shape)}.")
    texts = {int(number): read(int(number)) for number in np.unique(numbers)}
    for text in texts.values():
        if not isinstance(text, str | bytes):
            raise OptionError(f"a tokeniser must tell the text of a token. {name_of(read)} returned {shortened(text)}.")
    return [[_text(texts[int(number)]) for number in row] for row in numbers]


def _text(token: str | bytes) -> str:
    return token.decode(errors="replace") if isinstance(token, bytes) else token


def _inputs(array: np.ndarray, tokeniser: Any) -> Any:
    """Returns texts as the numbers that a tokeniser makes of them; without one, and numbers, as they are."""
    if tokeniser is None or array.dtype != object:
        return array
    if not callable(tokeniser):
        raise InputError("texts need a tokeniser= that can be called with them, or pass numbers of tokens. Got texts.")
    found = tokeniser(array.tolist())
    if not isinstance(found, Mapping):
        return np.asarray(found)
    if "input_ids" not in found:
        raise InputError(f"a tokeniser must return numbers, or a dict with 'input_ids'. Got {shortened(list(found))}.")
    return {str(name): np.asarray(values) for name, values in found.items()}


def _reading_layer(model: Any) -> Any:
    """Returns the layer inside a Keras model that turns texts into numbers."""
    found = [layer for layer in keras_layers(model) if isinstance(layer, keras.layers.TextVectorization)]
    if len(found) != 1:
        raise InputError(
            "texts are read by the model's one TextVectorization layer, by tokeniser=, or explained by tokens=. Got a "
            f"model with {len(found)} such layers."
        )
    return found[0]


def keras_layers(model: Any) -> list[Any]:
    """Returns all layers of a Keras model, also those inside others, as `layer=` finds them; none of anything else."""
    layered = model if isinstance(model, keras.Layer) else None
    return [layer for same in layers_of(layered).values() for layer in same]


def _split(vectorise: Any, texts: np.ndarray) -> list[list[str]]:
    """Returns the words into which a TextVectorization layer splits texts, unknown ones too.

    Its own numbers have one number for all unknown words. A second layer of the same settings, which learns all words
    of these texts, tells them apart.
    """
    config = vectorise.get_config()
    if config.get("output_mode") != "int":
        raise InputError(f"words need a TextVectorization layer with output_mode='int'. Got {config['output_mode']!r}.")
    strings = np.asarray([_text(text) for text in texts.ravel()])
    settings = {"standardize", "split", "ngrams", "encoding", "output_sequence_length"} & config.keys()
    second = keras.layers.TextVectorization(**{name: config[name] for name in settings})
    second.adapt(strings)
    words = second.get_vocabulary()
    return [[words[number] for number in row] for row in np.asarray(second(strings))]
