import os
import pathlib
import re

import pytest

_README = pathlib.Path(__file__).parents[1] / "README.md"
_TEXT = _README.read_text("utf-8")


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    """`docs_test.py` runs the code of the documentation."""
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", _TEXT, re.DOTALL | re.MULTILINE):
        exec(compile(block, "README.md", "exec"), names)
    assert names["e"].attributions.shape == (5, 8)
    assert os.listdir(tmp_path) == ["why.npz"]


def test_it_is_short():
    assert len(_TEXT.splitlines()) <= 150


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)]+)\)", _TEXT))
def test_linked_files_exist(path):
    assert (_README.parent / path).exists()
