"""Explains any TensorFlow model: which inputs made it say that?"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepexplain_tf.api import *  # noqa: F403  (the type checker's view of what is found below)

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # TensorFlow takes seconds to import, and the command line's help does without it.
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("deepexplain_tf.api"), name)


def __dir__() -> list[str]:
    return [*globals(), *importlib.import_module("deepexplain_tf.api").__all__]
