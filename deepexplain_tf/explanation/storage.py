"""The file of an explanation: its fields as one `.npz` archive with a JSON header; nothing in it is executed."""

import json
import os
from typing import Any

import ml_dtypes
import numpy as np

from deepexplain_tf.errors import InputError, brief
from deepexplain_tf.explanation.structure import is_array
from deepexplain_tf.writing.atomic import atomic_file
from deepexplain_tf.writing.npz import write_npz

_FORMAT = "deepexplain_tf.Explanation/1"


def write_fields(fields: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Writes fields to exactly `path`; see `Explanation.save`."""
    arrays: dict[str, Any] = {}
    packed = {name: _pack(value, arrays) for name, value in fields.items()}
    header = json.dumps({"format": _FORMAT, "fields": packed}).encode()
    with atomic_file(path) as file:
        write_npz(file, {"header": np.frombuffer(header, np.uint8), **arrays})


def read_fields(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the fields that `write_fields` wrote.

    Raises:
      FileNotFoundError: There is no such file.
      InputError: The file is damaged, or is not an explanation.
    """
    with open(path, "rb") as file:
        # A damaged archive fails in its zip, zlib, npy or JSON layer, each with errors of its own.
        try:
            with np.load(file, allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes())
                if header["format"] != _FORMAT:
                    raise ValueError(f"its format is {header['format']!r}")
                return {name: _unpack(v, arrays) for name, v in header["fields"].items()}
        except Exception as error:
            raise refusal(path, error) from None


def refusal(path: str | os.PathLike[str], error: Exception) -> InputError:
    """Returns the error for a file that is no explanation."""
    return InputError(
        f"an explanation is loaded from a file that `Explanation.save` wrote, format {_FORMAT!r}. "
        f"Got {os.fspath(path)!r}: {brief(error)}"
    )


def _pack(value: Any, arrays: dict[str, Any]) -> Any:
    """Returns `value` as JSON; its arrays go into `arrays`, and the JSON refers to them by name."""
    if isinstance(value, dict):
        return {"dict": [[key, _pack(part, arrays)] for key, part in value.items()]}
    if isinstance(value, (list, tuple)):
        return {"list" if isinstance(value, list) else "tuple": [_pack(part, arrays) for part in value]}
    if value is None or (isinstance(value, (bool, int, float, str)) and not is_array(value)):
        return value
    array = np.asarray(value) if is_array(value) else None
    if array is not None and array.dtype == object and all(map(_is_plain, array.flat)):
        return {"objects": list(map(_pack_item, array.flat)), "shape": list(array.shape)}
    if array is None or array.dtype.hasobject:
        raise TypeError(f"an explanation is saved from arrays, numbers and strings. Got {type(value).__name__}.")
    if array.dtype.isbuiltin == 2:  # bfloat16 and similar dtypes, which the npy format cannot name
        return {"array": _add(array.view(f"u{array.itemsize}"), arrays), "dtype": array.dtype.name}
    return {"array": _add(array, arrays)}


def _is_plain(item: Any) -> bool:
    return isinstance(item, str | bytes | bool | int | float | np.generic)


def _pack_item(item: Any) -> Any:
    """Returns a text, bytes or a number as JSON."""
    if isinstance(item, bytes):
        return {"bytes": item.decode("latin-1")}
    return item.item() if isinstance(item, np.generic) else item


def _add(array: np.ndarray, arrays: dict[str, Any]) -> str:
    name = f"array_{len(arrays)}"
    arrays[name] = array
    return name


def _unpack(packed: Any, arrays: Any) -> Any:
    match packed:
        case {"dict": items}:
            return {key: _unpack(part, arrays) for key, part in items}
        case {"list": items}:
            return [_unpack(part, arrays) for part in items]
        case {"tuple": items}:
            return tuple(_unpack(part, arrays) for part in items)
        case {"array": name, "dtype": dtype}:
            return arrays[name].view(getattr(ml_dtypes, dtype))
        case {"array": name}:
            return arrays[name][()]  # one number is no array
        case {"objects": items, "shape": shape}:
            found = np.empty(len(items), object)
            found[:] = [item["bytes"].encode("latin-1") if isinstance(item, dict) else item for item in items]
            return found.reshape(shape)
        case None | bool() | int() | float() | str():
            return packed
    raise ValueError(f"it holds {packed!r}")
