"""What keeps AutoGraph away from the library: a user's `tf.function` rewrites the Python that it calls."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import tensorflow as tf

_Function = TypeVar("_Function", bound=Callable[..., Any])


def unconverted(function: _Function) -> _Function:
    """Makes a function of the library run as it is written, with all that it calls, inside a user's `tf.function`.

    A model or target that the function traces is converted all the same: it has a `tf.function` of its own.
    """
    return cast(_Function, tf.autograph.experimental.do_not_convert(function))
