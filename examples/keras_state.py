"""Keras' state of the whole process, set and cleared."""

from collections.abc import Iterator
import contextlib
import gc

import keras


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Makes Keras build models in float64 within the block."""
    _set_dtype("float64")
    try:
        yield
    finally:
        _set_dtype("float32")


def _set_dtype(dtype: str) -> None:
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def forget() -> None:
    """Frees the memory of models that are no longer used."""
    keras.backend.clear_session()
    gc.collect()
