"""ARCHITECTURE.md tells of files and folders that exist, and of all of them that it should."""

import pathlib
import re

import pytest

import deepexplain_tf as dx

_ROOT = pathlib.Path(__file__).parents[1]
_PACKAGE = _ROOT / "deepexplain_tf"
_TEXT = (_ROOT / "ARCHITECTURE.md").read_text("utf-8")
_CODE = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", _TEXT, flags=re.DOTALL))
_PATHS = sorted({code for code in _CODE if re.fullmatch(r"[\w./]+(\.py|\.toml|/)", code)})
_NAMES = sorted({code for code in _CODE if re.fullmatch(r"[A-Za-z_]+(\.[a-z_]+)?", code)} - {*_PATHS})
_SOURCE = "\n".join(path.read_text("utf-8") for path in _PACKAGE.rglob("*.py"))
_FOLDERS = sorted(str(path.parent.relative_to(_PACKAGE)) for path in _PACKAGE.rglob("*/__init__.py"))
_TREE = _TEXT.partition("```text\n")[2].partition("```")[0]


def test_paths_are_found_in_the_text():
    some = {"explain/deep_explain.py", "graph/emit.py", "rules/", "tests/ways_in_test.py", "pyproject.toml"}
    assert some <= set(_PATHS)


@pytest.mark.parametrize("path", _PATHS)
def test_the_paths_that_it_names_exist(path):
    assert (_PACKAGE / path).exists() or (_ROOT / path).exists()


@pytest.mark.parametrize("name", _NAMES)
def test_the_classes_and_functions_that_it_names_exist(name):
    assert re.search(rf"^ *(def|class) {name.rpartition('.')[2]}\b", _SOURCE, re.MULTILINE)


def test_the_tree_has_every_folder_of_the_package():
    inside = _TREE.partition("tests/")[0]
    folders = {path.parent.name for path in _PACKAGE.rglob("__init__.py")}
    assert set(re.findall(r"(\w+)/", inside)) == folders


def test_there_are_few_modules_at_the_top():
    assert len(list(_PACKAGE.glob("*.py"))) <= 8


@pytest.mark.parametrize("folder", _FOLDERS)
def test_every_folder_says_what_lives_there(folder):
    assert (_PACKAGE / folder / "__init__.py").read_text("utf-8").startswith('"""')


@pytest.mark.parametrize(("folder", "names"), [("methods", dx.list_methods()), ("metrics", dx.list_metrics())])
def test_each_member_of_a_family_has_a_file_of_its_name(folder, names):
    assert {name for name in names if not (_PACKAGE / folder / f"{name}.py").is_file()} == set()
