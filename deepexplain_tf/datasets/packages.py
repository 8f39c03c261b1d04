"""Packages of the extra `batch`, imported where they are needed."""

import importlib
import importlib.util
from typing import Any

from deepexplain_tf.errors import DeepExplainError


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


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise DeepExplainError(
            "Parquet files need pyarrow: pip install 'deepexplain_tf[batch]'. Or give arrays, and format='npz'."
        ) from None
