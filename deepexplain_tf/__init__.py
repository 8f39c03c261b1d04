"""Explains the output of a TensorFlow or Keras model: how much did each part of the input contribute?"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepexplain_tf.api import *  # noqa: F403  (for type checkers; at run time `__getattr__` looks names up)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Importing TensorFlow takes seconds, and the command line's help does not need it.
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("deepexplain_tf.api"), name)


def __dir__() -> list[str]:
    return [*globals(), *importlib.import_module("deepexplain_tf.api").__all__]
