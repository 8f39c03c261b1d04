"""Lists, tuples and dicts that users pass, flattened in the order of the model's inputs."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import InputError, closest


def flatten_like(given: Any, specs: Any, what: str) -> list[Any]:
    """Returns the leaves of a user's structure in the order of the model's inputs.

    A list or tuple is matched by position; a dict by key or, where the model takes a list, by input name; a single
    array fits a model with one input.

    Args:
      given: the structure that the user passed.
      specs: the structure of the model's inputs.
      what: the name of the argument in error messages.

    Raises:
      InputError: a structure with other keys or another number of arrays.
    """
    if isinstance(given, Mapping):
        return _by_name(given, specs, what)
    if not isinstance(given, list | tuple):
        if isinstance(specs, list | tuple | Mapping) and len(tf.nest.flatten(specs)) != 1:
            names = names_of(specs)
            raise InputError(f"{what} must be {len(names)} arrays, one for each of {names}. Got one array.")
        return [given]
    wanted = tf.nest.flatten(specs)
    if len(given) != len(wanted):
        raise InputError(
            f"{what} must have {len(wanted)} array(s), one for each of {names_of(specs)}. Got {len(given)} "
            "(a list is always a structure; make an array of numbers with np.array)."
        )
    return list(given)


def _by_name(given: Mapping[str, Any], specs: Any, what: str) -> list[Any]:
    names = names_of(specs)
    unknown = [name for name in given if name not in names]
    missing = [name for name in names if name not in given]
    if unknown or missing:
        near = f"; {closest(str(unknown[0]), names)}" if unknown else ""
        raise InputError(f"{what} must have the keys {names}. Got {list(given)}{near}.")
    return [given[name] for name in names]


def names_of(specs: Any) -> list[str]:
    """Returns the names of the model's inputs, in their flattened order."""
    if isinstance(specs, Mapping):
        return [name for name, _ in sorted(specs.items())]  # `tf.nest` sorts keys
    return [getattr(spec, "name", None) or f"input {n}" for n, spec in enumerate(tf.nest.flatten(specs))]


def positions(inputs: Any, specs: Any) -> Any:
    """Returns the user's structure of inputs, with their positions among those of the model as leaves."""
    if not isinstance(inputs, list | tuple | Mapping):
        return 0
    if isinstance(inputs, Mapping):
        names = names_of(specs)
        return {name: names.index(name) for name in inputs}
    return type(inputs)(range(len(inputs)))


def pack(structure: Any, leaves: Sequence[Any]) -> Any:
    """Returns leaves in a structure of their positions; see `positions`."""
    if isinstance(structure, Mapping):
        return {name: leaves[position] for name, position in structure.items()}
    return leaves[0] if structure == 0 else type(structure)(leaves)


def unpack(structure: Any, given: Any) -> list[Any] | None:
    """Returns the leaves of what has a structure of positions, in their order; None if it has another structure."""
    if isinstance(structure, Mapping) and isinstance(given, Mapping) and given.keys() == structure.keys():
        return [given[name] for name in sorted(structure, key=structure.__getitem__)]
    if isinstance(structure, list | tuple) and isinstance(given, list | tuple) and len(given) == len(structure):
        return list(given)
    return [given] if structure == 0 else None
