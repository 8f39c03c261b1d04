"""The pages of `docs/`: their code runs and has the shapes that comments tell; calls of other libraries have equals."""

import ast
import contextlib
import linecache
import pathlib
import re
import tomllib
from typing import Any

import numpy as np
import pytest

import deepexplain_tf as dx

_DOCS = pathlib.Path(__file__).parents[1] / "docs"
_PAGES = {path.stem: path.read_text("utf-8") for path in sorted(_DOCS.glob("*.md"))}
_CODE = {name: re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE) for name, text in _PAGES.items()}
_SHAPES = re.compile(r"#.*?((?:\[\d+(?:, \d+)*\](?:, )?)+)")


def _run(block: str, names: dict[str, Any]) -> None:
    """Runs a block, statement by statement; the shapes in a comment behind an expression are those of its values."""
    lines, file = block.splitlines(), f"<block {len(linecache.cache)}>"
    linecache.cache[file] = (len(block), None, [line + "\n" for line in lines], file)  # AutoGraph reads the source
    for statement in ast.parse(block).body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), file, "exec"), names)
            continue
        value = eval(compile(ast.Expression(statement.value), file, "eval"), names)
        found = _SHAPES.search(lines[statement.end_lineno - 1][statement.end_col_offset :])
        if found:
            shapes = [tuple(map(int, shape.split(", "))) for shape in re.findall(r"\[([\d, ]+)\]", found[1])]
            values = value if isinstance(value, tuple) else (value,)
            assert [np.shape(one) for one in values] == shapes, lines[statement.end_lineno - 1]


@pytest.mark.parametrize("page", [name for name in _CODE if _CODE[name]])
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page}
    for block in _CODE[page]:
        _run(block, names)


def test_shapes_in_comments_are_checked():
    with pytest.raises(AssertionError):
        _run("import numpy as np\nnp.ones(3)  # [4]: wrong", {})


def test_each_method_and_metric_has_a_formula():
    formulas = tomllib.loads((_DOCS / "formulas.toml").read_text("utf-8"))
    assert sorted(formulas["methods"]) == dx.list_methods()
    assert sorted(formulas["metrics"]) == dx.list_metrics()


@pytest.mark.parametrize("title", re.findall(r"^## (.*)", _PAGES["migration"], re.MULTILINE))
def test_calls_of_other_libraries(title, tmp_path, monkeypatch):
    """Each new call of the page on migration, with the names of the code before it."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    before, _, rest = _PAGES["migration"].partition(f"\n## {title}\n")
    section = rest.partition("\n## ")[0]
    for block in re.findall(r"^```python\n(.*?)^```", before + section.partition("\n|")[0], re.DOTALL | re.MULTILINE):
        _run(block, names)
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
    for path in re.findall(r"\]\((?!https?:|#)([^)#]+)", _PAGES[page]):
        assert (_DOCS / path).exists(), path


def test_every_page_is_in_the_contents():
    listed = re.findall(r"^[\w./]+$", _PAGES["index"], re.MULTILINE)
    assert {name for name in listed if "/" not in name} == {*_PAGES} - {"index"}
