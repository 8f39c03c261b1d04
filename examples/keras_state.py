"""What Keras keeps for the whole process, set and cleared."""

from collections.abc import Iterator
import contextlib
import gc

import keras


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Within the block, Keras makes models in float64."""
    _set_dtype("float64")
    try:
        yield
    finally:
        _set_dtype("float32")


def _set_dtype(dtype: str) -> None:
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def forget() -> None:
    """Gives back what models take that are no longer used."""
    keras.backend.clear_session()
    gc.collect()
