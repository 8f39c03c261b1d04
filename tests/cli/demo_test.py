import os
import re

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.cli import demo, main as cli, progress
from deepexplain_tf.demo import packages
from deepexplain_tf.methods import METHODS

_missing = packages.missing()
needs_packages = pytest.mark.skipif(bool(_missing), reason=f"the demo's packages are not installed: {_missing}")


@needs_packages
def test_names_what_is_seen_and_draws_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_DELAY", 0.0)
    assert cli.main(["demo", f"--out={tmp_path / 'out'}", "--methods=deeplift,saliency"]) == 0
    out, error = capsys.readouterr()
    told = [re.sub(r" \d+\.\d s$", "", line) for line in error.splitlines()]
    explaining = ["explaining: deeplift", "explaining: saliency", "explaining:"]
    drawing = ["drawing: chelsea", "drawing: coffee", "drawing:"]
    assert told == ["loading the network:", *explaining, *drawing]
    assert all(name in out for name in ("tiger cat", "Egyptian cat", "tabby", "espresso"))
    gaps = next(line for line in out.splitlines() if line.startswith("deeplift")).split()[-2:]
    assert all(float(gap) < 1e-4 for gap in gaps)
    assert sorted(os.listdir(tmp_path / "out")) == ["chelsea.png", "coffee.png"]
    with Image.open(tmp_path / "out" / "coffee.png") as image:
        assert image.width > 600


@needs_packages
def test_an_unknown_method_is_refused_before_work(tmp_path, capsys):
    assert cli.main(["demo", f"--out={tmp_path / 'out'}", "--methods=deeplift,salience"]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert "closest: 'saliency'" in error
    assert os.listdir(tmp_path) == []


def test_missing_packages_are_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(packages, "_NAMES", ("no_such_package",))
    assert cli.main(["demo", f"--out={tmp_path / 'out'}"]) == 1
    assert capsys.readouterr().err == (
        "deepexplain: error: the demo needs the package no_such_package: pip install 'deepexplain_tf[demo]'\n"
    )
    assert os.listdir(tmp_path) == []


def test_shows_methods_that_exist():
    assert set(demo._METHODS) <= set(METHODS)


def test_patches_are_squares_of_all_channels():
    ids = demo.patches(8, 4)
    assert ids.shape == (8, 8, 3)
    np.testing.assert_array_equal(np.unique(ids, return_counts=True), [[0, 1, 2, 3], [48] * 4])
    assert len(np.unique(ids[:4, 4:])) == 1
