"""Structures of arrays: an array, or a list, tuple or dict of structures; also tables of pandas and tensors."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


def is_array(value: Any) -> bool:
    """Whether a value converts to an array by itself."""
    return hasattr(value, "__array__")


def each(function: Callable[[Any], Any], structure: Any) -> Any:
    """Returns the structure with `function` of each array; None stays."""
    if isinstance(structure, dict):
        return {name: each(function, part) for name, part in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)([each(function, part) for part in structure])
    return structure if structure is None else function(structure)


def leaves(structure: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each array of a structure after its name, "" for a single array."""
    if isinstance(structure, dict):
        parts = [(str(key), part) for key, part in structure.items()]
    elif isinstance(structure, list | tuple):
        parts = [(f"input {number}", part) for number, part in enumerate(structure)]
    else:
        yield name, structure
        return
    for part_name, part in parts:
        yield from leaves(part, f"{name} {part_name}".strip())


def single_array(structure: Any) -> Any:
    """Returns the array of a structure that holds exactly one.

    Raises:
      TypeError: The structure holds several arrays.
    """
    while isinstance(structure, (list, tuple, dict)):
        if len(structure) != 1:
            names = f": {', '.join(map(str, structure))}" if isinstance(structure, dict) else ""
            raise TypeError(f"one array needs one input; choose one of `e.attributions`. Got {len(structure)}{names}.")
        (structure,) = structure.values() if isinstance(structure, dict) else structure
    return structure


def rows_of(array: Any, index: Any) -> Any:
    """Returns the rows `index` of an array, tensor, table or tuple; without the axis of the batch for an int."""
    if hasattr(array, "iloc"):
        return array.iloc[index]
    if isinstance(array, tuple) and not isinstance(index, int | slice):
        return tuple(array[number] for number in np.arange(len(array))[index])
    return array[index]


def same(a: Any, b: Any) -> bool:
    """Whether two structures have the same dtypes and values; NaN equals NaN."""
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and type(a) is type(b):
        return len(a) == len(b) and all(map(same, a, b))
    if is_array(a) and is_array(b):
        a, b = np.asarray(a), np.asarray(b)
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind not in "OSU")
    return type(a) is type(b) and a == b


def describe(value: Any) -> str:
    """Returns a structure with the dtype and shape of each array; any other value in full."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(describe, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if not is_array(value):
        return repr(value)
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype  # a table has one for each column
    return f"{dtype.name}{value.shape}"
