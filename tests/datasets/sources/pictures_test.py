import os

import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of

_SPEC = tf.TensorSpec([None, 6, 8, 3], tf.float32)


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "cats").mkdir()
    for name in ("b", "a", "cats/c", "d"):
        Image.fromarray(random.integers(0, 256, (12, 10, 3), np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "cats" / "damaged.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_in_the_order_of_their_paths(folder):
    name, source = open_source(str(folder), _SPEC, {"preprocess": "unit"})
    assert (name, source.count) == ("pictures", 5)
    first, second = source.batches(0, 3, Shapes([[6, 8, 3]]))
    assert first.names == ["a.png", "b.png", "cats/c.png"] and not first.bad
    files = [folder / name for name in first.names]
    np.testing.assert_array_equal(first.inputs, dx.read_pictures(files, (6, 8, 3), preprocess="unit"))
    assert second.names == ["cats/damaged.png", "d.png"] and list(second.bad) == [0]
    assert "damaged.png" in second.bad[0]


def test_later_pictures(folder):
    _, source = open_source([folder / "d.png", folder / "a.png"], _SPEC, {})
    (batch,) = source.batches(1, 3, Shapes(None))
    assert (batch.first, batch.names) == (1, ["a.png"])


def test_open_channels_are_colours(folder):
    _, source = open_source(folder / "a.png", tf.TensorSpec([None, None, None, None], tf.float32), {})
    (batch,) = source.batches(0, 3, Shapes([[None, None, None]]))
    assert batch.inputs.shape == (1, 12, 10, 3)


def test_identities_differ(folder):
    identity = lambda **options: open_source(folder, _SPEC, options)[1].identity()  # noqa: E731
    before = identity()
    assert before == identity() != identity(preprocess="unit")
    (folder / "a.png").rename(folder / "e.png")
    assert identity() != before


def test_refused(folder):
    message_of(lambda: open_source(folder, _SPEC, {"preprocess": "unt"}), OptionError, "preprocess")
    message_of(lambda: open_source(folder, [_SPEC, _SPEC], {}), InputError, "a model with 2")
    (folder / "empty").mkdir()
    message_of(lambda: open_source(folder / "empty", _SPEC, {}), TypeError, "a source must be")


def test_names_that_are_no_text(folder):
    os.rename(folder / "a.png", os.fsencode(folder) + b"/\xff.png")
    _, source = open_source(folder, _SPEC, {})
    assert source.names == ["b.png", "cats/c.png", "cats/damaged.png", "d.png", "\\xff.png"]


def test_a_folder_of_two_kinds(folder):
    (folder / "x.parquet").write_bytes(b"")
    message_of(lambda: open_source(folder, _SPEC, {}), InputError, "one kind", "parquet and pictures")
