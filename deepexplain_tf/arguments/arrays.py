"""Arrays that users pass, checked and cast to the dtypes of a program."""

from collections.abc import Mapping, Sequence
import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.strings import is_strings, read_strings, strings_in, with_strings
from deepexplain_tf.arguments.structure import flatten_like, names_of
from deepexplain_tf.errors import InputError, shortened

_REAL = "biuf"
_SMALL = 64  # bytes
_BEHIND_TEXT = "turn texts into tokens first, and explain the model that takes tokens, with layer= its embedding"


def as_arrays(given: Any, specs: Any = None, *, strings: bool = True) -> Any:
    """Returns the user's inputs as NumPy arrays in the same structure; inside a graph as symbolic tensors.

    Checks everything that needs no model.

    Args:
      given: the inputs that the user passed.
      specs: the specs of the model's inputs, for their names; None where they are not known.
      strings: whether strings may be inputs.

    Raises:
      InputError: no array, a dtype that is neither real nor of strings, NaN or Inf, no batch axis, an empty batch or
        several batch sizes.
    """
    read = functools.partial(_read_input, strings=strings)
    given = with_strings(given, specs) if strings else given
    if isinstance(given, Mapping):
        if not all(isinstance(name, str) for name in given):
            raise InputError(f"inputs by name must have strings as keys. Got {shortened(list(given))}.")
        arrays: Any = {name: read(value, f"input {name!r}") for name, value in given.items()}
        leaves = list(arrays.values())
    elif isinstance(given, list | tuple):
        names = names_of(specs) if specs is not None and len(names_of(specs)) == len(given) else range(len(given))
        leaves = [read(value, f"input {name!r}") for name, value in zip(names, given, strict=True)]
        arrays = leaves if isinstance(given, list) else tuple(leaves)
    else:
        names = names_of(specs) if specs is not None else []
        arrays = read(given, f"input {names[0]!r}" if len(names) == 1 else "inputs")
        leaves = [arrays]
    _require_one_batch(leaves, known=specs is not None)
    return arrays


def _read_input(given: Any, name: str, strings: bool) -> Any:
    array = read_strings(given, name) if strings and _is_text(given) else read_array(given, name)
    if tf.executing_eagerly() or is_symbolic(array):
        return array
    return tf.identity(given if tf.is_tensor(given) else array)


def _is_text(given: Any) -> bool:
    return not isinstance(given, str | bytes | np.ma.MaskedArray) and is_strings(given)  # one string has no batch axis


def _require_one_batch(leaves: Sequence[Any], *, known: bool) -> None:
    """Checks that all arrays have one batch size; a single number is allowed where the model's inputs are known."""
    if not leaves:
        raise InputError("inputs must hold at least one array. Got none.")
    if not known and any(len(array.shape) == 0 for array in leaves):
        raise InputError("inputs must have a batch axis first, [batch, ...]. Got a single number.")
    sizes = {array.shape[0] for array in leaves if len(array.shape) and array.shape[0] is not None}
    if len(sizes) > 1:
        raise InputError(f"inputs must have one batch size. Got {sorted(sizes)}.")
    if 0 in sizes:
        raise InputError("inputs must hold at least one example. Got an empty batch.")


def rectangular(given: Any, name: str) -> np.ndarray:
    """Returns a value, or nested lists, as an array of any dtype.

    Raises:
      InputError: rows of different lengths.
    """
    try:
        return np.asarray(given)
    except ValueError:
        raise InputError(f"{name} must be an array. Got rows of different lengths.") from None


def read_array(given: Any, name: str) -> Any:
    """Returns a value as an array of finite real numbers, or a symbolic tensor of real numbers as it is.

    Args:
      given: the value that the user passed.
      name: the name of the value in error messages.

    Raises:
      InputError: no array, a mask, a dtype that is not real, NaN or Inf, or a symbolic tensor of unknown rank.
    """
    if isinstance(given, tf.Variable | keras.Variable):
        given = tf.convert_to_tensor(given)
    if is_symbolic(given):
        if not (given.dtype.is_floating or given.dtype.is_integer or given.dtype.is_bool):
            raise _no_numbers(name, given.dtype.name, strings=given.dtype == tf.string)
        if given.shape.rank is None:
            raise InputError(f"{name} must have a known rank. Got a symbolic tensor of unknown rank.")
        return given
    if not _is_array(given):
        if isinstance(given, np.ma.MaskedArray):
            raise InputError(f"{name} must be an array without a mask. Got a masked array; fill it first.")
        raise InputError(
            f"{name} must be an array, [batch, ...]. Got {type(given).__name__} (a list is always a structure; make an "
            "array of numbers with np.array)."
        )
    array = np.asarray(given)
    if array.dtype.kind not in _REAL and array.dtype.name not in ("bfloat16",):
        strings = array.dtype.kind in "SU" or any(isinstance(item, str | bytes) for item in array.flat[:1])
        raise _no_numbers(name, str(array.dtype)[:80], strings=strings)
    if array.dtype.kind not in "biu" and not is_finite(array):
        raise InputError(f"{name} must be finite. Got NaN or Inf.")
    return array


def _no_numbers(name: str, dtype: str, *, strings: bool) -> InputError:
    if not strings:
        return InputError(f"{name} must have a real dtype. Got {dtype}.")
    possible = f"; {_BEHIND_TEXT}" if name.startswith("input") else ""
    return InputError(f"{name} must hold numbers. Got strings, dtype {dtype}{possible}.")


def _is_array(given: Any) -> bool:
    if isinstance(given, type | keras.KerasTensor | tf.SparseTensor | tf.RaggedTensor | np.ma.MaskedArray):
        return False
    return isinstance(given, np.ndarray | np.generic | float | int) or hasattr(given, "__array__")


def read_inputs(given: Any, specs: Any) -> list[np.ndarray | tf.Tensor]:
    """Returns the model's inputs, flattened and cast to the dtypes of the specs; symbolic tensors stay symbolic.

    Raises:
      InputError: a wrong structure, rank or shape, or values that the model's dtype cannot represent.
    """
    pairs = zip(flatten_like(given, specs, "inputs"), tf.nest.flatten(specs), strict=True)
    return [read_tensor(leaf, spec, f"input {spec.name or n!r}") for n, (leaf, spec) in enumerate(pairs)]


def read_tensor(given: Any, spec: tf.TensorSpec, name: str) -> Any:
    """Returns an array or symbolic tensor cast to the dtype of a spec.

    Raises:
      InputError: a wrong rank or shape, or values that the dtype cannot represent.
    """
    if spec.dtype == tf.string or _is_text(given):
        return strings_in(given, spec, name)
    array = given if is_symbolic(given) else numbers_in(given, name, spec.dtype)
    if spec.shape.rank is not None and len(array.shape) != spec.shape.rank:
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if not matches(array.shape[1:], spec.shape[1:]):
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if is_symbolic(array) and array.dtype != spec.dtype:
        array = tf.cast(array, spec.dtype)
    return array


def numbers_in(given: Any, name: str, dtype: tf.DType) -> np.ndarray:
    """Returns a user's array in a dtype of the model.

    Raises:
      InputError: as `read_array`, or values that the dtype cannot represent.
    """
    array = read_array(given, name)
    if not dtype.is_floating and array.dtype.kind not in "biu" and not (array == np.round(array)).all():
        raise InputError(f"{name} must be whole numbers for dtype {dtype.name}. Got {array.dtype} with fractions.")
    with np.errstate(over="ignore"):  # an overflow is found below
        cast = array.astype(dtype.as_numpy_dtype, copy=False)
    if not dtype.is_floating and not np.array_equal(cast, array):
        raise InputError(f"{name} must be within the model's {dtype.name}. Got values beyond its range.")
    if dtype.is_floating and (cast.dtype != array.dtype) and not is_finite(cast):
        raise InputError(f"{name} must be finite in the model's {dtype.name}. Got values beyond its range.")
    return cast


def as_tensor(array: Any, given: Any) -> tf.Tensor:
    """Returns an array as a tensor; where the user gave a tensor, as that one, so that its gradient is not lost.

    Args:
      array: what was read from `given`.
      given: the value that the user passed.
    """
    if is_strings(array):
        return tf.convert_to_tensor(array)
    if is_symbolic(array) or not tf.is_tensor(given):
        return _with_dense_gradient(tf.convert_to_tensor(array))
    tensor = tf.cast(given, array.dtype)
    shape = [1] * (len(array.shape) - len(tensor.shape)) + tensor.shape.as_list()
    return _with_dense_gradient(tf.reshape(tensor, shape))


@tf.custom_gradient
def _with_dense_gradient(tensor: tf.Tensor):  # type: ignore[no-untyped-def]
    """Returns a tensor whose gradient is a tensor too, where that of a gather would be `tf.IndexedSlices`."""
    return tf.identity(tensor), tf.convert_to_tensor


def as_constant(array: Any) -> tf.Tensor:
    """Returns an array as a tensor; the same one for small arrays of the same numbers, as targets and counts are."""
    if isinstance(array, np.ndarray | np.generic) and array.nbytes <= _SMALL and array.dtype.kind in "fiu":
        return _constant(array.tobytes(), array.dtype, array.shape)
    return tf.convert_to_tensor(array)


@functools.lru_cache(maxsize=1024)
def _constant(numbers: bytes, dtype: np.dtype, shape: tuple[int, ...]) -> tf.Tensor:
    return tf.convert_to_tensor(np.frombuffer(numbers, dtype).reshape(shape))


def is_finite(array: np.ndarray) -> bool:
    """Returns whether an array has no NaN and no Inf."""
    # One NaN or Inf makes the sum not finite, and a sum needs no second array; but a sum may also overflow.
    with np.errstate(all="ignore"):
        total = array.sum(dtype=np.float32 if array.dtype.itemsize < 4 else None)
    return bool(np.isfinite(total)) or bool(np.isfinite(array.astype(np.float64)).all())


def is_symbolic(value: Any) -> bool:
    """Returns whether a value is a tensor of a graph being built."""
    return isinstance(value, tf.Tensor) and not hasattr(value, "numpy")


def matches(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    """Returns whether two shapes have the same rank, and the same size along each axis that both know."""
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _shown(shape: tf.TensorShape) -> list[Any]:
    return ["batch", *shape[1:]]
