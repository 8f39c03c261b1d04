"""Tests of `visualize/png.py`."""

import os

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.visualize import heat_map, save_png


@pytest.mark.parametrize("name", ["map.png", "map", "map.jpg"])
def test_the_file_is_a_png_with_the_same_pixels(tmp_path, name):
    picture = heat_map(np.random.default_rng(0).normal(size=(5, 4)))
    save_png(picture, tmp_path / name)
    assert os.listdir(tmp_path) == [name]
    with Image.open(tmp_path / name) as again:
        assert again.format == "PNG"
        np.testing.assert_array_equal(again, picture)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    save_png(heat_map(np.eye(3)), path)
    before = path.read_bytes()

    def fail(self, file, format):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="no space"):
        save_png(heat_map(np.zeros((3, 3))), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["map.png"]


def test_arrays_are_refused(tmp_path):
    with pytest.raises(TypeError, match="PIL image"):
        save_png(np.zeros((3, 3)), tmp_path / "map.png")
