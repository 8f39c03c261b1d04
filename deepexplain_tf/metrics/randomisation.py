"""Randomisation: do attributions change when the model's weights are randomised?"""

from collections.abc import Sequence
import dataclasses
import itertools
from typing import Any

import keras
import numpy as np

from deepexplain_tf.arguments.options import require_bool, require_seed
from deepexplain_tf.arguments.types import Structure
from deepexplain_tf.errors import InputError, ModelError, UnknownNameError, brief, closest, shortened
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.base import Score, metric
from deepexplain_tf.metrics.explainers import Explainers
from deepexplain_tf.metrics.similarity import read_similarity
from deepexplain_tf.writing.table import render


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Randomisation(Score):
    """How alike the attributions of each example are to its original ones, `per_example` `[batch, layers]`.

    Attributes:
      layers: the names of the layers in the order of their re-initialisation, of a block that of its last layer; entry
        i of a row is the similarity after the first i + 1 layers or blocks.
      similarity: the name of the similarity.
    """

    layers: tuple[str, ...]
    similarity: str

    @property
    def summary(self) -> Score:
        """The absolute similarity of each example after the re-initialisation of all layers."""
        return Score(per_example=np.abs(self.per_example[:, -1]))

    def __repr__(self) -> str:
        columns = [self.layers, *(np.char.mod("%.4f", values) for values in (self.mean, *self.interval))]
        rows = [[str(cell) for cell in row] for row in zip(*columns, strict=True)]
        table = render(["re-initialised down to", self.similarity, "95 % from", "to"], rows)
        return f"Randomisation of {len(self.per_example)} examples\n{table}"


@metric("randomisation", better="lower")
def randomisation(
    explain: Any,
    model: keras.Model,
    inputs: Structure,
    *,
    layers: Sequence[str | Sequence[str]] | None = None,
    seed: int | None = None,
    similarity: str = "spearman",
    absolute: bool = False,
) -> Randomisation | dict[str, Randomisation]:
    """How alike Φ(model, x) and Φ(model re-initialised from the output down to a layer, x) are, as a rank correlation.

    One layer after the other gets new weights (cascading). Attributions that depend on the learned weights lose their
    similarity. The user's model is never changed: `explain` gets a copy, the same object each time. The layer's own
    initialisers draw the weights, `NAME_initializer` for the weight NAME, with new seeds; a weight without an
    initialiser is shuffled. The score is NaN for an example of constant attributions.

    Args:
      explain: a function `(model, inputs)` → attributions; or several by name, which get the same weights.
      model: a Keras model that `keras.models.clone_model` can copy.
      inputs: the examples.
      layers: the names of layers, in the order of their re-initialisation, where a list or tuple of names is a block
        that is re-initialised at once; default: all layers with weights, also those of nested models, from the last to
        the first. Where two layers share a name, it is `"MODEL/LAYER"`.
      seed: seed of the weights.
      similarity: `"spearman"`, the correlation of ranks; or of pictures `"ssim"` or `"hog"`, the structural similarity
        or the correlation of histograms of gradients; see `deepexplain_tf.metrics.similarity`.
      absolute: whether attributions are compared without their signs.

    Returns:
      A `Randomisation`, or a dict of them by the names of `explain`.

    Raises:
      TypeError: `model` is not a Keras model, or `explain` not a function.
      UnknownNameError: a layer that does not exist or has no weights.
      ModelError: the model cannot be copied, or has no weights.
      DeepExplainError: another argument does not fit, or `explain` does not return finite attributions of the examples.

    References:
      Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, *Sanity Checks for Saliency Maps*, NeurIPS 2018,
      https://arxiv.org/abs/1810.03292, section 3.1.
    """
    require_bool("absolute", absolute)
    require_seed(seed)
    examples, explainers = Examples.read(inputs), Explainers.read(explain)
    if not isinstance(model, keras.Model):
        raise TypeError(f"model is a Keras model. Got {type(model).__name__}.")
    copy = _copy(model)
    chosen = _chosen(copy, layers)
    alike = read_similarity(similarity, examples, absolute)
    generator = np.random.default_rng(seed)
    originals = explainers(examples.batch, copy, examples.pack(examples.inputs))
    columns: list[list[np.ndarray]] = [[] for _ in originals]
    for _, block in chosen:
        for layer in block:
            _initialise(layer, generator)
        randomised = explainers.repeat(originals, copy, examples.pack(examples.inputs))
        for column, original, new in zip(columns, originals, randomised, strict=True):
            column.append(alike(original, new))
    names = tuple(name for name, _ in chosen)
    return explainers.by_name(
        [Randomisation(per_example=np.stack(c, 1), layers=names, similarity=similarity) for c in columns]
    )


def _copy(model: keras.Model) -> keras.Model:
    try:
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    except Exception as error:  # Keras cannot copy every subclassed model
        raise ModelError(f"model must be one that keras.models.clone_model can copy. Got: {brief(error)}") from None
    return copy


def _chosen(model: keras.Model, given: Any) -> list[tuple[str, list[keras.Layer]]]:
    """Returns the blocks of layers to re-initialise, in order, each with the name of its last layer."""
    found = [(path, layer) for path, layer in _layers(model) if _weights(layer)]
    names_found = [layer.name for _, layer in found]
    known = {layer.name if names_found.count(layer.name) == 1 else path: layer for path, layer in found}
    if not known:
        raise ModelError("model must have layers with weights. Got none.")
    blocks = [[name] for name in reversed(known)] if given is None else list(map(_block, _listed(given)))
    for name in itertools.chain(*blocks):
        if not isinstance(name, str) or name not in known:
            raise UnknownNameError(
                f"layers must name layers with weights. Got {shortened(name)}; {closest(str(name), known)}."
            )
    return [(block[-1], [known[name] for name in block]) for block in blocks]


def _block(given: Any) -> list[Any]:
    return _listed(given) if isinstance(given, list | tuple) else [given]


def _listed(given: Any) -> list[Any]:
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise InputError(f"layers must be one or more names of layers, or blocks of them. Got {shortened(given)}.")
    return list(given)


def _layers(model: keras.Model, path: str = "") -> list[tuple[str, keras.Layer]]:
    """Returns layers and their paths; a nested model is replaced by its layers, with the paths `"MODEL/LAYER"`."""
    found: list[tuple[str, keras.Layer]] = []
    for layer in model.layers:
        name = path + layer.name
        found += _layers(layer, name + "/") if isinstance(layer, keras.Model) else [(name, layer)]
    return found


def _weights(layer: keras.Layer) -> list[keras.Variable]:
    return [weight for weight in layer.weights if keras.backend.is_float_dtype(weight.dtype)]


def _initialise(layer: keras.Layer, generator: np.random.Generator) -> None:
    """Gives a layer and the layers inside it new weights."""
    for part in layer._flatten_layers():  # such as the cell of an RNN; Keras has no public way
        inner_weights = {id(weight) for inner in part._flatten_layers(include_self=False) for weight in inner.weights}
        for weight in _weights(part):
            if id(weight) not in inner_weights:
                weight.assign(_new_values(part, weight, generator))


def _new_values(layer: keras.Layer, weight: keras.Variable, generator: np.random.Generator) -> Any:
    initialiser = getattr(layer, f"{weight.name}_initializer", None)
    if initialiser is None:
        return generator.permutation(np.ravel(weight)).reshape(weight.shape)
    config = initialiser.get_config() if isinstance(initialiser, keras.initializers.Initializer) else {}
    if "seed" in config:
        initialiser = type(initialiser).from_config({**config, "seed": int(generator.integers(2**31))})
    return initialiser(weight.shape, dtype=weight.dtype)
