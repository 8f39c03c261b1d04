"""What keeps AutoGraph away from the library: a user's `tf.function` rewrites the Python that it calls."""

from collections.abc import Callable
import functools
import types
from typing import Any, TypeVar, cast

import tensorflow as tf

from deepexplain_tf.errors import DeepExplainError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_TRACING = ("/tensorflow/python/", "/keras/src/", __file__)  # files that only pass a call on


def unconverted(function: _Function) -> _Function:
    """Makes a function of the library run as it is written, with all that it calls, inside a user's `tf.function`.

    A model or target that the function traces is converted all the same: it has a `tf.function` of its own. The
    traceback of an error of this library shows the user's lines and the library's, without those of TensorFlow between.
    """
    plain = tf.autograph.experimental.do_not_convert(function)

    @functools.wraps(plain)  # with the mark that TensorFlow has put on it
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return plain(*args, **kwargs)
        except DeepExplainError as error:
            _leave_out_tracing(error.__traceback__)
            raise

    return cast(_Function, call)


def _leave_out_tracing(traceback: types.TracebackType | None) -> None:
    """Takes the frames that TensorFlow and Keras put between others out of a traceback, except for the first."""
    while traceback is not None:
        following = traceback.tb_next
        while following is not None and any(part in following.tb_frame.f_code.co_filename for part in _TRACING):
            following = following.tb_next
        traceback.tb_next = following
        traceback = following
