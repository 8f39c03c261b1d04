"""The pages of `docs/`: their code runs and has the shapes that comments tell; calls of other libraries have equals.

Most of that code is run where the documentation is built, by `pytest -m 'pages and not long'`.
"""

import contextlib
import importlib
import pathlib
import re
import tomllib
from typing import Any

import pytest

import deepexplain_tf as dx
from tests.pages import blocks, links, run

_DOCS = pathlib.Path(__file__).parents[1] / "docs"
_PAGES = {path.stem: path.read_text("utf-8") for path in sorted(_DOCS.glob("*.md"))}
_CODE = {name: blocks(text) for name, text in _PAGES.items()}
_AT_ONCE = ("start", "migration", "DeepExplain")  # what a newcomer reads first; pages, and a title of one


def _of_pages(names: list[str]) -> list[Any]:
    return [pytest.param(name, marks=[pytest.mark.pages] * (name not in _AT_ONCE)) for name in names]


@pytest.mark.parametrize("page", _of_pages([name for name in _CODE if _CODE[name]]))
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page}
    for block in _CODE[page]:
        run(block, names)


def test_shapes_in_comments_are_checked():
    with pytest.raises(AssertionError):
        run("import numpy as np\nnp.ones(3)  # [4]: wrong", {})


def test_each_method_and_metric_has_a_formula():
    formulas = tomllib.loads((_DOCS / "formulas.toml").read_text("utf-8"))
    assert sorted(formulas["methods"]) == dx.list_methods()
    assert sorted(formulas["metrics"]) == dx.list_metrics()


@pytest.mark.parametrize("title", _of_pages(re.findall(r"^## (.*)", _PAGES["migration"], re.MULTILINE)))
def test_calls_of_other_libraries(title, tmp_path, monkeypatch):
    """Each new call of the page on migration, with the names of the code before it."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    before, _, rest = _PAGES["migration"].partition(f"\n## {title}\n")
    section = rest.partition("\n## ")[0]
    for block in blocks(before + section.partition("\n|")[0]):
        run(block, names)
    calls = re.findall(r"^\| `.*` \| `(.*?)`", section, re.MULTILINE)
    assert len(calls) == section.count("\n| `") >= 5
    with contextlib.ExitStack() as stack:
        for value in list(names.values()):
            if isinstance(value, dx.DeepExplain):
                stack.enter_context(value)
        for call in calls:
            assert eval(call, names) is not None or call.startswith("dx.visualize.save_png"), call


@pytest.mark.parametrize("page", _PAGES)
def test_linked_files_exist(page):
    for path in links(_PAGES[page]):
        assert (_DOCS / path).exists(), path


def test_every_page_is_in_the_contents():
    listed = re.findall(r"^[\w./]+$", _PAGES["index"], re.MULTILINE)
    assert {name for name in listed if "/" not in name} == {*_PAGES} - {"index"}


def test_the_table_of_findings_has_those_of_each_page(monkeypatch):
    monkeypatch.syspath_prepend(str(_DOCS / "extensions"))
    rows_of = importlib.import_module("finding_rows").rows
    page = _DOCS.parent / "examples" / "saturation.md"
    rows = list(rows_of(page.read_text("utf-8"), "/examples/saturation.md"))
    assert len(rows) == 3
    assert rows[0].startswith(
        "| [Saturation, and gradients along the path](/examples/saturation.md) | the probability is"
    )
    assert all(re.fullmatch(r"\| .*\| .+ \| \d+ of \d+ \|", row) for row in rows)
    assert rows[1].startswith("|  | the gradients")
