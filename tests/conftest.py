import gc
import os
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores, each with one thread: a tenth of the time
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np
import pytest

_STATES: dict[int, Any] = {}  # of the generators of all modules, after their import


def _seed() -> None:
    import keras  # here, since the process that hands the tests out to others does not need it

    keras.utils.set_random_seed(0)


def _generators(item: Any) -> list[np.random.Generator]:
    module = getattr(item, "module", None)
    return [value for value in vars(module or object).values() if isinstance(value, np.random.Generator)]


def pytest_collectstart() -> None:
    """Has each module make the same models when it is imported, whatever was imported before it."""
    _seed()


def pytest_collection_finish(session: pytest.Session) -> None:
    for item in session.items:
        _STATES.update((id(generator), generator.bit_generator.state) for generator in _generators(item))
    # The garbage collector looks seldom, and not at what was imported: a twentieth of the time of the tests.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Has each test draw the same numbers, from Keras and from its module's generators, whatever ran before it."""
    _seed()
    for generator in _generators(item):
        generator.bit_generator.state = _STATES[id(generator)]
