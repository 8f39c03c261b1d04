"""Packages of the extras `batch` and `ray`, imported where they are needed."""

import importlib
import importlib.util
from typing import Any

from deepexplain_tf.errors import imported

_NO_RAY = "engine='ray' needs Ray Data: pip install 'deepexplain_tf[ray]'. 'local' needs nothing."
_NO_PYARROW = "Parquet files need pyarrow: pip install 'deepexplain_tf[batch]'. Or give arrays, and format='npz'."


def has_pyarrow() -> bool:
    """Returns whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def pyarrow() -> Any:
    """Returns the module `pyarrow`.

    Raises:
      DeepExplainError: it is not installed.
    """
    return imported("pyarrow", _NO_PYARROW)


def pyarrow_parquet() -> Any:
    """Returns the module `pyarrow.parquet`; see `pyarrow`."""
    return imported("pyarrow.parquet", _NO_PYARROW)


def ray_data() -> Any:
    """Returns the module `ray.data`.

    Raises:
      DeepExplainError: it is not installed.
    """
    return imported("ray.data", _NO_RAY)


def ray_error() -> type[Exception]:
    """Returns the class of Ray's errors."""
    return importlib.import_module("ray.exceptions").RayError
