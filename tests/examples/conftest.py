import pathlib

import pytest

_FOLDER = pathlib.Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in this folder: the scripts of `examples/` belong to the documentation."""
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker("pages")
