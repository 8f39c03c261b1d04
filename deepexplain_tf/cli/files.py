"""The user's files: `.npy` and `.npz`, and what files are called."""

from collections.abc import Sequence
import os
import pathlib
from typing import Any
import zipfile

import numpy as np
import numpy.typing as npt

from deepexplain_tf.arguments.archives import in_structure
from deepexplain_tf.errors import InputError, brief
from deepexplain_tf.explanation.columns import require_pandas

Array = npt.NDArray[Any]


def require_files(*paths: str) -> None:
    """Raises FileNotFoundError where a file or folder is missing, before anything slow."""
    for path in paths:
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path}")


def read_array(path: str | os.PathLike[str]) -> Array:
    """Reads an `.npy` file.

    Raises:
        FileNotFoundError: There is no such file.
        InputError: The file is none, or holds Python objects.
    """
    value = _load(path)
    if not isinstance(value, np.ndarray):
        raise InputError(f"one array, an .npy file, is needed here. Got {path}.")
    return value


def read_arrays(path: str | os.PathLike[str]) -> Array | list[Array] | dict[str, Array]:
    """Reads an `.npy` or `.npz` file; an `.npz` of one array is that array, one of arrays without names a list.

    Raises:
        FileNotFoundError: There is no such file.
        InputError: The file is none, or holds Python objects or nothing.
    """
    value = _load(path)
    if isinstance(value, np.ndarray):
        return value
    if not value:
        raise InputError(f"{path} must hold an array. Got an empty archive.")
    return in_structure(value)


def read_table(path: str | os.PathLike[str]) -> Any:
    """Reads a `.csv` file with a header as a pandas DataFrame.

    Raises:
        FileNotFoundError: There is no such file.
        DeepExplainError: pandas is missing.
        InputError: The file is no table.
    """
    pandas = require_pandas()
    try:
        return pandas.read_csv(path)
    except ValueError as error:  # also pandas' own errors, and bytes that are no UTF-8
        raise InputError(f"{path} must be a .csv file with a header. {brief(error)}") from None


def _load(path: str | os.PathLike[str]) -> Array | dict[str, Array]:
    try:
        # Opened here, since NumPy leaves a damaged archive open.
        with open(path, "rb") as file:
            value = np.load(file, allow_pickle=False)
            return value if isinstance(value, np.ndarray) else dict(value)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} must be an .npy or .npz file of numbers. {error}") from None


def names_of(files: Sequence[pathlib.Path]) -> list[str]:
    """Returns the names of files, without the suffix where that tells them apart."""
    stems = [file.stem for file in files]
    return [file.stem if stems.count(file.stem) == 1 else file.name for file in files]
