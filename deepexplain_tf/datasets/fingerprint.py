"""What tells one file or array from another, without reading all of a large file."""

from collections.abc import Iterable, Sequence
import hashlib
import os
import pathlib
from typing import Any

import numpy as np

from deepexplain_tf.writing.json_values import bytes_of

_EDGE = 2**16  # bytes at the beginning and at the end of a file
_READ = 64  # files of which the bytes are read; of more the names and sizes must do
_ROWS = 2**10


def of_files(paths: Sequence[pathlib.Path]) -> dict[str, Any]:
    """Returns the number of files, their bytes, and a SHA-256 of names, sizes and of the edges of the first files."""
    hashed, total = hashlib.sha256(), 0
    for number, path in enumerate(paths):
        size = path.stat().st_size
        total += size
        hashed.update(f"{path.name} {size}\n".encode())
        if number < _READ:
            with open(path, "rb") as file:
                hashed.update(file.read(_EDGE))
                file.seek(max(size - _EDGE, 0), os.SEEK_SET)
                hashed.update(file.read(_EDGE))
    return {"files": len(paths), "bytes": total, "sha256": hashed.hexdigest()}


def of_arrays(arrays: Iterable[np.ndarray]) -> list[dict[str, Any]]:
    """Returns dtype, shape and SHA-256 of each array, of which a few rows at a time are read."""
    found = []
    for array in arrays:
        hashed = hashlib.sha256()
        for start in range(0, len(array), _ROWS):
            hashed.update(bytes_of(array[start : start + _ROWS]))
        found.append({"dtype": str(array.dtype), "shape": list(array.shape), "sha256": hashed.hexdigest()})
    return found
