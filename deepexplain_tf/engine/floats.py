"""What is differentiated must be floats; what to do about tokens and strings."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import tensorflow as tf

from deepexplain_tf.arguments.strings import is_strings
from deepexplain_tf.errors import InputError, shortened
from deepexplain_tf.objective.model import Model


def require_floats(model: Model, *, path: bool = False) -> None:
    """Checks that what is explained of a model has a gradient; the objective looks at a single layer's output.

    Args:
      model: the traced model.
      path: whether the model's inputs move along a path, wherever the explained tensors are.

    Raises:
      InputError: inputs, or places among several, of another dtype.
    """
    if path and model.prefix is not None:
        _require_path(model)
    if model.prefix is not None and not model.places:
        return
    specs = tf.nest.flatten(model.structure)
    floats = [spec.name for spec in specs if spec.dtype.is_floating and spec.name]
    for spec in specs:
        if not spec.dtype.is_floating:
            name = f" for {spec.name!r}" if spec.name else ""
            _refuse("places" if model.places else "inputs", f"{spec.dtype.name}{name}", floats)


def _require_path(model: Model) -> None:
    for spec in tf.nest.flatten(model.traced.specs):
        if not spec.dtype.is_floating:
            name = f" for {spec.name!r}" if spec.name else ""
            raise InputError(
                f"inputs must be floats to move along a path. Got {spec.dtype.name}{name}; integrated_gradients takes "
                "the path at the layer, and so does neuron_conductance, which looks into another one."
            )


def require_numbers(arrays: Any) -> None:
    """Checks that no input of a model that was never called holds strings.

    Raises:
      InputError: an input that does.
    """
    leaves = arrays if isinstance(arrays, Mapping) else dict(enumerate(tf.nest.flatten(arrays)))
    for name, array in leaves.items():
        if is_strings(array):
            _refuse("inputs", "dtype string" + (f" for {name!r}" if len(leaves) > 1 else ""))


def _refuse(what: str, shown: str, floats: Sequence[str] = ()) -> NoReturn:
    """Raises InputError; `floats` are the names of the inputs or places that could be explained alone."""
    alone = f"explain the others alone, layer={shortened(list(floats))}, " if floats else ""
    raise InputError(
        f"{what} must be floats to be differentiated. Got {shown}; {alone}name the layer behind it with layer= (an "
        "embedding for tokens), or use occlusion or shapley_sampling."
    )
