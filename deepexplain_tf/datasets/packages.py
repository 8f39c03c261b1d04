"""Packages of the extras `batch` and `ray`, imported where they are needed."""

import importlib
import importlib.util
from typing import Any

from deepexplain_tf.errors import DeepExplainError

_NO_PYARROW = "Parquet files need pyarrow: pip install 'deepexplain_tf[batch]'. Or give arrays, and format='npz'."


def has_pyarrow() -> bool:
    """Returns whether pyarrow is installed."""
    return importlib.util.find_spec("pyarrow") is not None


def pyarrow() -> Any:
    """Returns the module `pyarrow`.

    Raises:
      DeepExplainError: it is not installed.
    """
    return _module("pyarrow")


def pyarrow_parquet() -> Any:
    """Returns the module `pyarrow.parquet`; see `pyarrow`."""
    return _module("pyarrow.parquet")


def ray_data() -> Any:
    """Returns the module `ray.data`.

    Raises:
      DeepExplainError: it is not installed.
    """
    return _module("ray.data", "engine='ray' needs Ray Data: pip install 'deepexplain_tf[ray]'. 'local' needs nothing.")


def ray_error() -> type[Exception]:
    """Returns the class of Ray's errors."""
    return importlib.import_module("ray.exceptions").RayError


def _module(name: str, missing: str = _NO_PYARROW) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DeepExplainError(missing) from None
