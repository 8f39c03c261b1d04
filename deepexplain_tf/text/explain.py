"""`dx.text.explain`: the words of texts, and what each did."""

from typing import Any

import keras
import numpy as np

from deepexplain_tf.arguments.types import Target
from deepexplain_tf.errors import OptionError, shortened
from deepexplain_tf.explain import DeepExplain, split_settings
from deepexplain_tf.explanation import Explanation
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.text.tokens import Rows, encode, keras_layers

PADDING = "padding"


def explain(
    model: Any,
    texts: Any,
    *,
    method: str = "integrated_gradients",
    layer: str | None = None,
    tokeniser: Any = None,
    tokens: Rows | None = None,
    target: Target = None,
    baseline: Any = PADDING,
    **options: Any,
) -> Explanation:
    """Explains texts by their words: attributions `[batch, words]` in units of the target, with the words as `tokens`.

    The model's embedding is explained, and the attributions of a word's dimensions, and of its pieces, are added up, so
    that completeness holds for words as it does for the method.

    Example:
      >>> import deepexplain_tf as dx, keras
      >>> words = keras.layers.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=3)
      >>> layers = [words, keras.layers.Embedding(4, 2), keras.layers.Flatten(), keras.layers.Dense(1)]
      >>> critic = keras.Sequential([keras.Input((), dtype="string"), *layers])
      >>> e = dx.text.explain(critic, ["Good, not bad!"])
      >>> e.tokens, e.attributions.shape
      ((('good', 'not', 'bad'),), (1, 3))

    Args:
      model: a Keras model with an embedding; or any other model that `DeepExplain` takes, with `layer=`.
      texts: a list of texts, for a model with a `TextVectorization` layer inside, or for `tokeniser`; or texts
        `[batch, length]`, for a model that takes words; or numbers of tokens `[batch, length]`.
      method: a name of `list_methods()` or an alias.
      layer: the name of the embedding; None where the model has one.
      tokeniser: what makes numbers of texts beside the model: a `TextVectorization` or `StringLookup` layer, or a
        tokeniser of Hugging Face or KerasHub, called with the list of texts; for numbers of tokens also a vocabulary (a
        list, or a dict of texts and numbers), or a function of one number.
      tokens: the tokens of each text, where they are known.
      target: the target, as for `DeepExplain.explain`.
      baseline: `"padding"`, the embedding of token 0, or a baseline at the embedding as for `DeepExplain.explain`.
      **options: arguments of `DeepExplain`, of its `explain`, and the method's options.

    Raises:
      InputError: texts that nothing turns into tokens.
      OptionError: a model with no or several embeddings and no `layer`, or an option that does not fit.
      DeepExplainError: as `DeepExplain.explain`.
    """
    encoded = encode(model, texts, tokeniser, tokens)
    settings, call = split_settings(options)
    place = _embedding(model) if layer is None else layer
    if METHODS[method].uses_baseline and "background" not in call:
        is_padding = isinstance(baseline, str) and baseline == PADDING
        call["baseline"] = _padding(model, place, encoded.length) if is_padding else baseline
    elif not (isinstance(baseline, str) and baseline == PADDING):
        call["baseline"] = baseline
    with DeepExplain(model, layer=place, **settings) as de:
        e = de.explain(method, encoded.inputs, target=target, tokens=encoded.tokens, **call)
    return e.sum("words")


def _embedding(model: Any) -> str:
    """Returns the name of the only embedding of a Keras model."""
    found = [layer.name for layer in keras_layers(model) if isinstance(layer, keras.layers.Embedding)]
    if len(found) != 1:
        raise OptionError(f"layer= names the embedding, unless a Keras model has just one. Got {shortened(found)}.")
    return found[0]


def _padding(model: Any, place: str, length: int) -> Any:
    """Returns the embedding of `length` tokens 0, `[length, dims]`; zeros where the layer is no embedding."""
    found = [
        layer for layer in keras_layers(model) if layer.name == place and isinstance(layer, keras.layers.Embedding)
    ]
    if not found:
        return None
    row = keras.ops.convert_to_numpy(found[0].embeddings)[0]
    return np.broadcast_to(row, (length, len(row)))
