"""The run of all tests."""

import gc


def pytest_collection_finish() -> None:
    """Has the garbage collector look seldom, and not at what was imported: a twentieth of the time of the tests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
