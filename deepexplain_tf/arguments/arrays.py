"""Arrays that users pass, checked and turned into the dtypes and shapes that a program takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import flatten_like, names_of
from deepexplain_tf.errors import InputError, shortened

_REAL = "biuf"


def as_arrays(given: Any, specs: Any = None) -> Any:
    """Returns the user's inputs in their structure, as NumPy arrays; symbolic tensors stay so.

    What no model could take is refused here, before any model is asked.

    Args:
      given: what the user passed.
      specs: the model's inputs, where they are known, for their names.

    Raises:
      InputError: no array, a dtype that is not real, NaN or Inf, no batch axis, an empty or unequal batch.
    """
    if isinstance(given, Mapping):
        if not all(isinstance(name, str) for name in given):
            raise InputError(f"inputs by name must have strings as keys. Got {shortened(list(given))}.")
        arrays: Any = {name: read_array(value, f"input {name!r}") for name, value in given.items()}
        leaves = list(arrays.values())
    elif isinstance(given, list | tuple):
        names = names_of(specs) if specs is not None and len(names_of(specs)) == len(given) else range(len(given))
        leaves = [read_array(value, f"input {name!r}") for name, value in zip(names, given, strict=True)]
        arrays = leaves if isinstance(given, list) else tuple(leaves)
    else:
        names = names_of(specs) if specs is not None else []
        arrays = read_array(given, f"input {names[0]!r}" if len(names) == 1 else "inputs")
        leaves = [arrays]
    _require_one_batch(leaves, known=specs is not None)
    return arrays


def _require_one_batch(leaves: Sequence[Any], *, known: bool) -> None:
    """Checks that all arrays have the same examples; a number alone can broadcast where the inputs are known."""
    if not leaves:
        raise InputError("inputs must hold at least one array. Got none.")
    if not known and any(len(array.shape) == 0 for array in leaves):
        raise InputError("inputs must have a batch axis first, [batch, ...]. Got a single number.")
    sizes = {array.shape[0] for array in leaves if len(array.shape) and array.shape[0] is not None}
    if len(sizes) > 1:
        raise InputError(f"inputs must have one batch size. Got {sorted(sizes)}.")
    if 0 in sizes:
        raise InputError("inputs must hold at least one example. Got an empty batch.")


def read_array(given: Any, name: str) -> Any:
    """Returns an array of finite real numbers, or a symbolic tensor of real numbers."""
    if is_symbolic(given):
        if not (given.dtype.is_floating or given.dtype.is_integer or given.dtype.is_bool):
            raise InputError(f"{name} must have a real dtype. Got {given.dtype.name}.")
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
        raise InputError(f"{name} must have a real dtype. Got {str(array.dtype)[:80]}.")
    if array.dtype.kind not in "biu" and not _finite(array):
        raise InputError(f"{name} must be finite. Got NaN or Inf.")
    return array


def _is_array(given: Any) -> bool:
    if isinstance(given, type | keras.KerasTensor | tf.SparseTensor | tf.RaggedTensor | np.ma.MaskedArray):
        return False
    return isinstance(given, np.ndarray | np.generic | float | int) or hasattr(given, "__array__")


def read_inputs(given: Any, specs: Any) -> list[np.ndarray | tf.Tensor]:
    """Returns the model's inputs as arrays of the specs' dtypes, flattened; symbolic tensors stay so.

    Raises:
      InputError: wrong structure, rank or shape, or numbers that the model's dtype does not hold.
    """
    pairs = zip(flatten_like(given, specs, "inputs"), tf.nest.flatten(specs), strict=True)
    return [read_tensor(leaf, spec, f"input {spec.name or n!r}") for n, (leaf, spec) in enumerate(pairs)]


def read_tensor(given: Any, spec: tf.TensorSpec, name: str) -> Any:
    """Returns an array of a spec's dtype, or a symbolic tensor cast to it; InputError where the shape does not fit."""
    array = given if is_symbolic(given) else numbers_in(given, name, spec.dtype)
    if spec.shape.rank is not None and len(array.shape) != spec.shape.rank:
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if not matches(array.shape[1:], spec.shape[1:]):
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if is_symbolic(array) and array.dtype != spec.dtype:
        array = tf.cast(array, spec.dtype)
    return array


def numbers_in(given: Any, name: str, dtype: tf.DType) -> np.ndarray:
    """Returns a user's array in a model's dtype."""
    array = read_array(given, name)
    if not dtype.is_floating and array.dtype.kind not in "biu" and not (array == np.round(array)).all():
        raise InputError(f"{name} must be whole numbers for dtype {dtype.name}. Got {array.dtype} with fractions.")
    with np.errstate(over="ignore"):  # looked for below
        cast = array.astype(dtype.as_numpy_dtype, copy=False)
    if not dtype.is_floating and not np.array_equal(cast, array):
        raise InputError(f"{name} must be within the model's {dtype.name}. Got values beyond its range.")
    if dtype.is_floating and (cast.dtype != array.dtype) and not _finite(cast):
        raise InputError(f"{name} must be finite in the model's {dtype.name}. Got values beyond its range.")
    return cast


def _finite(array: np.ndarray) -> bool:
    # The sum is not finite where a number is not, and is found without another array; it may also overflow.
    with np.errstate(all="ignore"):
        total = array.sum(dtype=np.float32 if array.dtype.itemsize < 4 else None)
    return bool(np.isfinite(total)) or bool(np.isfinite(array.astype(np.float64)).all())


def is_symbolic(value: Any) -> bool:
    """Whether a value is a tensor of a graph being built."""
    return isinstance(value, tf.Tensor) and not hasattr(value, "numpy")


def matches(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    """Whether two shapes are the same wherever both are known."""
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _shown(shape: tf.TensorShape) -> list[Any]:
    return ["batch", *shape[1:]]
