"""Baselines and sets of them that users pass, checked against the explained tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_symbolic, matches, numbers_in, read_array, read_tensor
from deepexplain_tf.arguments.strings import is_strings, read_strings, with_strings
from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.errors import InputError


def read_baseline(given: Any, structure: Any, examples: Sequence[Any]) -> list[np.ndarray | tf.Tensor]:
    """Returns baselines `[1 or batch, ...]` (axes of length 1 broadcast), one for each explained tensor.

    Args:
      given: None (zeros, or empty strings), a number or string, one example, or one per example, in the structure of
        the explained tensors.
      structure: the structure of the explained tensors.
      examples: the explained tensors, or their specs; only shapes and dtypes are used.

    Raises:
      InputError: a wrong structure, shape, number of rows or dtype, NaN or Inf.
    """
    if given is None or is_number(given):
        return [_read_baseline(given, example) for example in examples]
    leaves = flatten_like(with_strings(given, structure), structure, "baseline")
    return [_read_baseline(value, example) for value, example in zip(leaves, examples, strict=True)]


def read_sets(given: Any, structure: Any, examples: Sequence[Any], option: str) -> list[np.ndarray]:
    """Returns sets of points `[1 or batch, n_points, ...]` for each explained tensor, of the same two lengths.

    Args:
      given: a set for all examples `[n_points, ...]`, or one for each `[batch, n_points, ...]`, in the structure of the
        explained tensors.
      structure: the structure of the explained tensors.
      examples: the specs of the explained tensors.
      option: the name of the option, such as `"background"`, whose points are baselines.

    Raises:
      InputError: a wrong structure, shape, number of sets or dtype, NaN or Inf, no point, or different numbers of
        points.
    """
    leaves = flatten_like(with_strings(given, structure), structure, option)
    if any(is_symbolic(leaf) for leaf in leaves):
        raise InputError(f"{option} must be arrays. Got a symbolic tensor of a graph being built.")
    sets = [_read_set(leaf, example, option) for leaf, example in zip(leaves, examples, strict=True)]
    counts = [array.shape[1] for array in sets]
    if len(set(counts)) > 1 or counts[0] == 0:
        raise InputError(f"{option} must have one or more points, as many for each input. Got {counts}.")
    rows = max(map(len, sets))
    return [np.broadcast_to(array, (rows, *array.shape[1:])) for array in sets]


def _read_set(given: Any, example: Any, option: str) -> np.ndarray:
    """Returns the points of one explained tensor, which the rank tells to be for all examples or for each."""
    batch, *shape = example.shape
    text = example.dtype == tf.string or is_strings(given)
    array = np.asarray(given) if text else read_array(given, option)
    sets = array.shape[:2] if array.ndim == len(shape) + 2 else (1, *array.shape[:1])
    rows = array.reshape(sets[0] * sets[1], *array.shape[2:]) if array.ndim == len(shape) + 2 else array
    fits = text or (matches(rows.shape[1:], shape) and rows.ndim > 0)
    if not fits or sets[0] not in (1, batch):
        count = "n_baselines" if option == "background" else "n_points"
        raise InputError(
            f"{option} must be a set for all examples {[count, *shape]} or one for each "
            f"{[batch or 'batch', count, *shape]}. Got shape {list(array.shape)}."
        )
    points = np.asarray(read_tensor(rows, tf.TensorSpec([None, *shape], example.dtype), option))
    return points.reshape(*sets, *points.shape[1:])


def _read_baseline(given: Any, example: Any) -> Any:
    shape, dtype = tuple(example.shape), tf.as_dtype(example.dtype)
    if given is None:
        given = "" if dtype == tf.string else 0.0
    array = _strings(given, shape) if dtype == tf.string else given
    if dtype != tf.string and is_strings(array):
        raise InputError("baseline must be numbers where inputs are numbers. Got a string; give one for each input.")
    array = array if dtype == tf.string or is_symbolic(array) else numbers_in(array, "baseline", dtype)
    rank = len(array.shape)
    if rank == 0:
        return array.reshape((1,) * len(shape)) if not is_symbolic(array) else tf.reshape(array, (1,) * len(shape))
    is_example = rank == len(shape) - 1 and matches(array.shape, shape[1:])
    is_batch = rank == len(shape) and array.shape[0] in (1, shape[0], None) and matches(array.shape[1:], shape[1:])
    if not is_example and not is_batch:
        raise InputError(
            f"baseline must be a number, one example {list(shape[1:])} or one per example {list(shape)}. Got shape "
            f"{list(array.shape)}."
        )
    return array[None] if is_example else array


def _strings(given: Any, shape: tuple[int, ...]) -> Any:
    """Returns strings; one for each example in the rank of the examples."""
    if not is_strings(given):
        raise InputError(f"baseline must be strings where inputs are strings. Got {type(given).__name__}.")
    array = read_strings(given, "baseline")
    column = len(array.shape) == 1 and len(shape) == 2 and shape[1] == 1 and array.shape[0] == shape[0]
    return array[:, np.newaxis] if column else array


def is_number(given: Any) -> bool:
    """Whether a baseline is one number or string for all explained tensors; a tensor may have a history."""
    return np.isscalar(given) or (isinstance(given, np.ndarray | np.generic) and given.ndim == 0)
