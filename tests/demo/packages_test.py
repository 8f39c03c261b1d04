import pytest

from deepexplain_tf.demo import packages
from deepexplain_tf.errors import DeepExplainError


def test_a_missing_package_is_named_with_the_remedy(monkeypatch):
    monkeypatch.setattr(packages, "_NAMES", ("numpy", "no_such_package"))
    assert packages.missing() == ["no_such_package"]
    with pytest.raises(DeepExplainError, match=r"no_such_package: pip install 'deepexplain_tf\[demo\]'"):
        packages.require()


def test_file(monkeypatch):
    monkeypatch.setattr(packages, "_NAMES", ())
    assert packages.file("numpy", "__init__.py").is_file()
    with pytest.raises(FileNotFoundError, match=r"numpy must carry none\.txt"):
        packages.file("numpy", "none.txt")
