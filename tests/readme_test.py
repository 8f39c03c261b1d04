import os
import pathlib

import pytest

from tests.pages import blocks, links, run

_README = pathlib.Path(__file__).parents[1] / "README.md"
_TEXT = _README.read_text("utf-8")


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks(_TEXT):
        run(block, names)
    assert names["e"].attributions.shape == (5, 8)
    assert os.listdir(tmp_path) == ["why.npz"]


def test_it_is_short():
    assert len(_TEXT.splitlines()) <= 150


@pytest.mark.parametrize("path", links(_TEXT))
def test_linked_files_exist(path):
    assert (_README.parent / path).exists()
