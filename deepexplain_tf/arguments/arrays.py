"""What users pass, checked and turned into the arrays that a program is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import InputError, closest, shortened

_REAL = "biuf"


def flatten_like(given: Any, specs: Any, what: str) -> list[Any]:
    """Returns the leaves of a user's structure in the order of `specs`, the model's structure.

    A list or tuple goes by position, a dict by key or, where the model takes a list, by input name; one array
    alone serves a model with one input.
    """
    if isinstance(given, Mapping):
        return _by_name(given, specs, what)
    if not isinstance(given, list | tuple):
        if isinstance(specs, list | tuple | Mapping) and len(tf.nest.flatten(specs)) != 1:
            names = names_of(specs)
            raise InputError(f"{what} must be {len(names)} arrays, as the model takes {names}. Got one array.")
        return [given]
    wanted = tf.nest.flatten(specs)
    if len(given) != len(wanted):
        raise InputError(
            f"{what} must have {len(wanted)} array(s), as the model takes {names_of(specs)}. Got {len(given)} "
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
        return [name for name, _ in sorted(specs.items())]  # the order of tf.nest
    return [getattr(spec, "name", None) or f"input {n}" for n, spec in enumerate(tf.nest.flatten(specs))]


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
    if not leaves:
        raise InputError("inputs must hold at least one array. Got none.")
    for array in leaves:
        if len(array.shape) == 0 and specs is None:
            raise InputError("inputs must have a batch axis first, [batch, ...]. Got a single number.")
    sizes = {array.shape[0] for array in leaves if len(array.shape) and array.shape[0] is not None}
    if len(sizes) > 1:
        raise InputError(f"inputs must have one batch size. Got {sorted(sizes)}.")
    if 0 in sizes:
        raise InputError("inputs must hold at least one example. Got an empty batch.")
    return arrays


def read_array(given: Any, name: str) -> Any:
    """Returns an array of finite real numbers, or a symbolic tensor of real numbers."""
    if is_symbolic(given):
        if not (given.dtype.is_floating or given.dtype.is_integer or given.dtype.is_bool):
            raise InputError(f"{name} must have a real dtype. Got {given.dtype.name}.")
        if given.shape.rank is None:
            raise InputError(f"{name} must have a known rank. Got a symbolic tensor of unknown rank.")
        return given
    if not (isinstance(given, np.ndarray | np.generic | float | int) or hasattr(given, "__array__")) or _no_array(
        given
    ):
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


def _no_array(given: Any) -> bool:
    if isinstance(given, type | keras.KerasTensor | tf.SparseTensor | tf.RaggedTensor | np.ma.MaskedArray):
        return True
    return not (isinstance(given, np.ndarray | np.generic | float | int) or hasattr(given, "__array__"))


def read_inputs(given: Any, specs: Any) -> list[np.ndarray | tf.Tensor]:
    """Returns the model's inputs as arrays of the specs' dtypes, flattened; symbolic tensors stay so.

    Raises:
      InputError: wrong structure, rank or shape, or numbers that the model's dtype does not hold.
    """
    leaves = flatten_like(given, specs, "inputs")
    flat = tf.nest.flatten(specs)
    arrays = [
        _read(leaf, spec, f"input {spec.name or n!r}") for n, (leaf, spec) in enumerate(zip(leaves, flat, strict=True))
    ]
    return arrays


def read_baseline(given: Any, structure: Any, examples: Sequence[Any]) -> list[np.ndarray | tf.Tensor]:
    """Returns baselines `[1 or batch, ...]` (axes of length 1 broadcast), one for each explained tensor.

    Args:
      given: None (zeros), a number, one example, or one per example, in the structure of the inputs.
      structure: the structure of the explained tensors.
      examples: the explained tensors, or their specs: of each the shape and dtype are used.

    Raises:
      InputError: wrong structure, shape, count or dtype, NaN or Inf.
    """
    if given is None or _is_number(given):
        return [_read_baseline(given, example) for example in examples]
    leaves = flatten_like(given, structure, "baseline")
    return [_read_baseline(value, example) for value, example in zip(leaves, examples, strict=True)]


def read_background(given: Any, structure: Any, examples: Sequence[Any]) -> tuple[np.ndarray, ...]:
    """Returns sets of baselines `[any number, ...]`, one for each explained tensor.

    Args:
      given: arrays in the structure of the inputs.
      structure: the structure of the explained tensors.
      examples: their specs.

    Raises:
      InputError: wrong structure, shape or dtype, NaN or Inf, no baseline, or not as many of each.
    """
    leaves = flatten_like(given, structure, "background")
    if any(is_symbolic(leaf) for leaf in leaves):
        raise InputError("background must be arrays. Got a tensor of a graph being built.")
    specs = [tf.TensorSpec([None, *example.shape[1:]], example.dtype) for example in examples]
    arrays = tuple(_read(leaf, spec, "background") for leaf, spec in zip(leaves, specs, strict=True))
    counts = [len(array) for array in arrays]
    if len(set(counts)) > 1 or counts[0] == 0:
        raise InputError(f"background must have one or more baselines, as many for each input. Got {counts}.")
    return arrays


def _read_baseline(given: Any, example: Any) -> Any:
    shape, dtype = tuple(example.shape), tf.as_dtype(example.dtype)
    if given is None:
        given = 0.0
    array = given if is_symbolic(given) else _numbers(given, "baseline", dtype)
    rank = len(array.shape)
    if rank == 0:
        return array.reshape((1,) * len(shape)) if not is_symbolic(array) else tf.reshape(array, (1,) * len(shape))
    one = rank == len(shape) - 1 and _matches(array.shape, shape[1:])
    each = rank == len(shape) and array.shape[0] in (1, shape[0], None) and _matches(array.shape[1:], shape[1:])
    if not one and not each:
        raise InputError(
            f"baseline must be a number, one example {list(shape[1:])} or one per example {list(shape)}. Got shape "
            f"{list(array.shape)}."
        )
    return array[None] if one else array


def _read(given: Any, spec: tf.TensorSpec, name: str) -> Any:
    array = given if is_symbolic(given) else _numbers(given, name, spec.dtype)
    if spec.shape.rank is not None and len(array.shape) != spec.shape.rank:
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if not _matches(array.shape[1:], spec.shape[1:]):
        raise InputError(f"{name} must have shape {_shown(spec.shape)}. Got shape {list(array.shape)}.")
    if is_symbolic(array) and array.dtype != spec.dtype:
        array = tf.cast(array, spec.dtype)
    return array


def _numbers(given: Any, name: str, dtype: tf.DType) -> np.ndarray:
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


def _is_number(given: Any) -> bool:
    return np.isscalar(given) or (isinstance(given, np.ndarray | np.generic) and given.ndim == 0)


def is_symbolic(value: Any) -> bool:
    """Whether a value is a tensor of a graph being built."""
    return isinstance(value, tf.Tensor) and not hasattr(value, "numpy")


def _matches(shape: Sequence[int | None], wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(
        a is None or b is None or a == b for a, b in zip(shape, wanted, strict=True)
    )


def _shown(shape: tf.TensorShape) -> list[Any]:
    return ["batch", *shape[1:]]
