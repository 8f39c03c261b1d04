"""Targets that users pass: which number of the model's output is explained, for each example."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import is_symbolic, read_array
from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.errors import InputError, TargetError, shortened


@dataclasses.dataclass(frozen=True)
class Selection:
    """A target that has been checked against an output.

    Attributes:
      kind: `"index"`, `"weights"`, `"predicted"`, or `"callable"` for a target that is part of the program.
      data: `[1 or batch, axes]` int32 indices into the non-batch axes; or `[1 or batch, ...]` float weights shaped
        like the output; or the arrays of a callable, `[batch, ...]` each; empty for the other kinds.
      reported: the value of `Explanation.target`.
      units: the axes of several units that are explained for themselves; then `data` are `[batch · units, axes]`.
    """

    kind: str
    data: tuple[Any, ...]
    reported: Any
    units: tuple[int, ...] | None = None


def read_callable(target: Any, batch: int | None) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """Reads a target that is a callable, or a callable and arrays of the examples; returns None for any other.

    Args:
      target: `function` or `(function, arrays)`, where arrays are one array or a list of them.
      batch: the number of examples, None inside a graph.

    Returns:
      The callable, and its arrays, `[batch, ...]` each.

    Raises:
      TargetError: the arrays are no numbers, or have not one row for each example.
    """
    if callable(target):
        return target, ()
    if not (isinstance(target, tuple) and len(target) == 2 and callable(target[0])):
        return None
    function, given = target
    leaves = given if isinstance(given, list | tuple) else [given]
    try:
        arrays = tuple(read_array(leaf, "an array of a callable target") for leaf in leaves)
    except InputError as error:
        raise TargetError(str(error)) from None
    for array in arrays:
        if not len(array.shape) or array.shape[0] != batch:
            shown = f"shape {list(array.shape)}" if len(array.shape) else "a number (a list is always several arrays)"
            raise TargetError(
                f"an array of a callable target must have a row for each of {batch or 'the'} examples. Got {shown}."
            )
    return function, arrays


def read_target(target: Any, shape: Sequence[int | None], dtype: tf.DType, batch: int | None) -> Selection:
    """Reads a target that is not a callable.

    Args:
      target: None, an int, a tuple, an int array or list of length batch, a symbolic tensor of indices, or float
        weights.
      shape: the output's shape, batch first, with None for an open axis.
      dtype: the output's dtype.
      batch: the number of examples, None inside a graph.

    Raises:
      TargetError: a target out of range, or of a kind that the output does not allow.
    """
    axes = list(shape[1:])
    if target is None:
        return _default(axes)
    if is_symbolic(target):
        return _symbolic(target, axes)
    if isinstance(target, tuple):
        return _at(target, axes if axes or not target else [1], target)
    if is_int(target):
        if len(axes) > 1:
            raise TargetError(f"target must be a tuple of {len(axes)} indices for output {_shown(axes)}. Got {target}.")
        return _at((target,), axes or [1], int(target))
    try:
        array = np.asarray(target)
    except ValueError:  # rows of different lengths, or a symbolic tensor
        raise TargetError(f"target must be one index per example, or weights. Got {shortened(target)}.") from None
    if array.size == 0:
        raise TargetError(f"target must be one index per example for output {_shown(axes)}. Got none.")
    if array.dtype.kind in "iu":
        return _each(array, axes, batch)
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        return _weights(array, axes, dtype, batch)
    raise TargetError(
        "target must be None, an int, a tuple of ints, an int per example, float weights in the output's "
        f"shape {_shown(axes)}, or a callable. Got {type(target).__name__} of {array.dtype}."
    )


def _default(axes: list[int | None]) -> Selection:
    if len(axes) > 1 and any(size != 1 for size in axes):
        raise TargetError(
            f"target must be given for an output of shape {_shown(axes)}: a tuple or a callable. Got None."
        )
    if all(size == 1 for size in axes):
        return Selection("index", (np.zeros([1, len(axes)], np.int32),), (0,) * len(axes) if len(axes) > 1 else 0)
    return Selection("predicted", (), None)


def _at(index: Sequence[Any], axes: Sequence[int | None], reported: Any) -> Selection:
    if len(index) != len(axes) or not all(is_int(number) for number in index):
        raise TargetError(f"target must be {len(axes)} indices for output {_shown(axes)}. Got {tuple(index)!r}.")
    data = np.array([[_in_range(number, size) for number, size in zip(index, axes, strict=True)]], np.int32)
    return Selection("index", (data.reshape(1, len(axes)),), reported)


def _each(array: np.ndarray, axes: list[int | None], batch: int | None) -> Selection:
    if array.ndim == 0:
        return _at((int(array),), axes or [1], int(array))
    if not axes and array.ndim == 1:  # an output [batch] counts as one unit
        return dataclasses.replace(_each(array, [1], batch), data=(np.zeros([len(array), 0], np.int32),))
    rows = array[:, None] if array.ndim == 1 and len(axes) == 1 else array
    if rows.ndim != 2 or rows.shape[1] != len(axes) or batch not in (None, rows.shape[0]):
        raise TargetError(
            f"target must be one index per example, {batch} of them with {len(axes)} number(s) each for "
            f"output {_shown(axes)}. Got shape {list(array.shape)}."
        )
    data = [[_in_range(number, size) for number, size in zip(row, axes, strict=True)] for row in rows]
    return Selection("index", (np.array(data, np.int32).reshape(rows.shape),), array)


def _symbolic(target: tf.Tensor, axes: list[int | None]) -> Selection:
    """Reads a symbolic tensor of indices; the graph checks their range at run time."""
    rank = 1 if len(axes) == 1 else 2
    if not target.dtype.is_integer or target.shape.rank != rank or (rank == 2 and target.shape[1] != len(axes)):
        raise TargetError(
            f"a symbolic target must be whole numbers [batch] or [batch, {len(axes)}] for output {_shown(axes)}. Got "
            f"{target.dtype.name}{target.shape}."
        )
    index = tf.cast(target[:, tf.newaxis] if rank == 1 else target, tf.int32)
    sizes = [size or "any" for size in axes]
    check = tf.debugging.Assert(
        tf.reduce_all(in_range(target, axes)), [f"target must be an index into {sizes}. Got", target]
    )
    with tf.control_dependencies([check]):
        return Selection("index", (tf.where(index < 0, index + _sizes(axes), index),), target)


def in_range(target: tf.Tensor, axes: Sequence[int | None]) -> tf.Tensor:
    """Returns `[batch]`: whether each example's index, `[batch]` or `[batch, axes]`, lies within the output's axes."""
    index, sizes = tf.cast(tf.reshape(target, [-1, len(axes)]), tf.int64), tf.cast(_sizes(axes), tf.int64)
    lowest = tf.constant([0 if size is None else -size for size in axes], tf.int64)
    return tf.reduce_all((index >= lowest) & (index < sizes), 1)


def _sizes(axes: Sequence[int | None]) -> tf.Tensor:
    return tf.constant([tf.int32.max if size is None else size for size in axes])


def _weights(array: np.ndarray, axes: list[int | None], dtype: tf.DType, batch: int | None) -> Selection:
    shape = list(array.shape)
    fits = len(shape) == len(axes) + 1 and (batch is None or shape[0] in (1, batch))
    if not fits or any(size not in (None, length) for size, length in zip(axes, shape[1:], strict=True)):
        raise TargetError(
            f"float targets are weights in the output's shape {[batch or 'batch', *axes]}. Got shape {shape}."
        )
    with np.errstate(over="ignore"):  # an overflow is found below
        weights = array.astype(dtype.as_numpy_dtype)
    if not np.isfinite(weights.astype(np.float64)).all():
        raise TargetError(f"target weights must be finite in {dtype.name}. Got NaN, Inf or values beyond its range.")
    return Selection("weights", (weights,), array)


def _in_range(number: Any, size: int | None) -> int:
    if size is None:
        if number < 0:
            raise TargetError(f"target must count from 0 along an axis of open length. Got {number}.")
        return int(number)
    if not -size <= number < size:
        raise TargetError(f"target must lie in {-size} … {size - 1} for an output of {size} unit(s). Got {number}.")
    return int(number) % size


def _shown(axes: Sequence[int | None]) -> list[Any]:
    return ["batch", *axes]
