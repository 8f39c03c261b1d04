import os
import pathlib
import re

import pytest

_README = pathlib.Path(__file__).parents[1] / "README.md"


def _blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", _README.read_text(), re.DOTALL | re.MULTILINE)


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in _blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert names["e"].attributions.shape == (5, 8)
    assert sorted(os.listdir(tmp_path)) == ["explained", "served", "why.npz"]
    assert names["found"]["attributions"].shape == (5, 8)
    assert (names["run"].rows, names["run"].rejected) == (999, 1)
    assert names["shard"]["attributions"].shape == (511, 8)


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:)([^)]+)\)", _README.read_text()))
def test_linked_files_exist(path):
    assert (_README.parent / path).exists()
