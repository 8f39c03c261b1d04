import functools
import pathlib

import pytest

from tests.examples.scripts import QuickRun, QuickRuns, quick_configuration, run

_FOLDER = pathlib.Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what is in this folder: the scripts of `examples/` belong to the documentation."""
    for item in items:
        if item.path.is_relative_to(_FOLDER):
            item.add_marker("pages")


@pytest.fixture(scope="session")
def quick_runs(tmp_path_factory: pytest.TempPathFactory) -> QuickRuns:
    """Runs a script from its quick configuration, once for all tests that look at what it makes."""

    @functools.cache
    def of(name: str) -> QuickRun:
        folder = tmp_path_factory.mktemp(name)
        return QuickRun(run(f"{name}.py", quick_configuration(name), cwd=folder), folder)

    return of
