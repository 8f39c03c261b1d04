"""Values, versions and checksums for JSON files."""

from collections.abc import Callable, Mapping
import hashlib
import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepexplain_tf import __version__


def versions() -> dict[str, str]:
    """Returns the versions of this library, TensorFlow and Keras."""
    return {"deepexplain_tf": __version__, "tensorflow": tf.__version__, "keras": keras.__version__}


def to_json(value: Any, of_array: Callable[[np.ndarray], Any] = np.ndarray.tolist) -> Any:
    """Returns a value converted to strings, numbers, bools, lists and dicts; a float that is not finite becomes None.

    Args:
      value: any value; a function becomes its name, and an object of another type the name of its type.
      of_array: converts an array of one or more axes; by default to nested lists of its numbers.
    """
    if isinstance(value, Mapping):
        return {str(key): to_json(item, of_array) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item, of_array) for item in value]
    if hasattr(value, "__array__") and not callable(value):
        array = np.asarray(value)
        return to_json(of_array(array) if array.ndim else array.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    known = value is None or isinstance(value, bool | int | float | str)
    return value if known else getattr(value, "__name__", type(value).__name__)


def checksum(array: np.ndarray) -> str:
    """Returns the SHA-256 of an array's bytes, in hexadecimal; the shape and dtype are left out."""
    return hashlib.sha256(bytes_of(array)).hexdigest()


def bytes_of(array: np.ndarray) -> bytes:
    """Returns an array's bytes; those of strings, each after its length."""
    if array.dtype.kind != "O":
        return np.ascontiguousarray(array).tobytes()
    items = (item if isinstance(item, bytes) else str(item).encode() for item in array.flat)
    return b"".join(len(item).to_bytes(8, "little") + item for item in items)
