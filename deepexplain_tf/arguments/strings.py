"""Strings that users pass: lists as arrays, arrays as bytes, in the shape of a model's input."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import InputError, shortened


def with_strings(given: Any, specs: Any = None) -> Any:
    """Returns a user's structure in which lists of strings are arrays.

    A list is a structure where the model has several inputs, and else an array if it holds strings.

    Args:
      given: the structure that the user passed.
      specs: the structure of the model's inputs; None where it is not known.
    """
    if isinstance(given, Mapping):
        return {name: _array(value) for name, value in given.items()}
    if not isinstance(given, list | tuple):
        return given
    count = None if specs is None else len(tf.nest.flatten(specs))
    nested = isinstance(given[0], list | tuple) if given else False
    if count == 1 or (count is None and not nested):
        array = _array(given)
        if array is not given:
            return array
    leaves = [_array(value) for value in given]
    return leaves if isinstance(given, list) else tuple(leaves)


def _array(given: Any) -> Any:
    """Returns a list of strings, or of lists of strings of one length, as an array; any other value as it is."""
    if not isinstance(given, list | tuple) or not given:
        return given
    if all(isinstance(item, str | bytes) for item in given):
        return np.array(list(given), object)
    rows = [item for item in given if isinstance(item, list | tuple) and len(item) == len(given[0]) > 0]
    if len(rows) == len(given) and all(isinstance(item, str | bytes) for row in rows for item in row):
        return np.array([list(row) for row in rows], object)
    return given


def is_strings(given: Any) -> bool:
    """Whether a value is a string, or an array or tensor of strings."""
    if isinstance(given, tf.Tensor):
        return given.dtype == tf.string
    if isinstance(given, np.ndarray) and given.dtype.kind == "O":
        return any(isinstance(item, str | bytes) for item in given.flat)
    if isinstance(given, np.ndarray):
        return given.dtype.kind in "UST"
    return isinstance(given, str | bytes)


def read_strings(given: Any, name: str) -> Any:
    """Returns strings as an array of bytes; a symbolic tensor as it is.

    Args:
      given: a string, or an array or tensor of strings.
      name: the name of the value in error messages.

    Raises:
      InputError: an element that is no string, or a symbolic tensor of unknown rank.
    """
    if isinstance(given, tf.Tensor):
        if given.shape.rank is None:
            raise InputError(f"{name} must have a known rank. Got a symbolic tensor of unknown rank.")
        if not hasattr(given, "numpy"):
            return given
        given = given.numpy()
    array = np.asarray(given).astype(object)
    encoded = np.empty(array.shape, object)
    for index, item in np.ndenumerate(array):
        encoded[index] = _bytes(item, name)
    return encoded


def _bytes(item: Any, name: str) -> bytes:
    if isinstance(item, bytes):
        return item
    if not isinstance(item, str):
        raise InputError(f"{name} must be strings throughout. Got {type(item).__name__} among them.")
    try:
        return item.encode()
    except UnicodeEncodeError:
        raise InputError(f"{name} must be strings that UTF-8 can write. Got {shortened(item)}.") from None


def strings_in(given: Any, spec: tf.TensorSpec, name: str) -> Any:
    """Returns strings in the shape of a model's input; `[batch]` and `[batch, 1]` stand for each other.

    Raises:
      InputError: strings where the model takes numbers, numbers where it takes strings, or another shape.
    """
    if spec.dtype != tf.string:
        raise InputError(f"{name} must be numbers of the dtype {spec.dtype.name}. Got strings.")
    if not is_strings(given):
        dtype = getattr(given, "dtype", type(given).__name__)
        raise InputError(f"{name} must be strings. Got {getattr(dtype, 'name', dtype)}.")
    array = read_strings(given, name)
    rank, wanted = len(array.shape), spec.shape.rank
    if rank == 1 and wanted == 2 and spec.shape[1] in (1, None):
        array = array[:, np.newaxis]
    elif rank == 2 and wanted == 1 and array.shape[1] == 1:
        array = array[:, 0]
    if not tf.TensorShape(array.shape)[1:].is_compatible_with(spec.shape[1:]) or len(array.shape) != (wanted or rank):
        raise InputError(f"{name} must have shape {['batch', *spec.shape[1:]]}. Got shape {list(array.shape)}.")
    return array
