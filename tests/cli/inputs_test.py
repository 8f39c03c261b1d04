from absl import flags
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.cli import inputs
from deepexplain_tf.errors import InputError, OptionError
from tests.picture_files import png, tiff

_SPEC = tf.TensorSpec([None, 4, 4, 3], name="image")


def _reader(specs, *options):
    """Returns the reader that a command line makes."""
    values = flags.FlagValues()
    inputs.define(values)
    values(["explain", *options])
    return inputs.Reader(specs, **inputs.picture_options(values))


@pytest.fixture
def white(tmp_path):
    Image.new("RGB", (5, 5), "white").save(tmp_path / "white.png")
    return str(tmp_path / "white.png")


@pytest.mark.parametrize(("preprocess", "value"), [("none", 255), ("unit", 1), ("symmetric", 1), ((127, 128), 1)])
def test_pictures_are_preprocessed_and_kept(white, preprocess, value):
    examples = inputs.Reader(_SPEC, preprocess=preprocess).examples(white)
    assert examples.inputs.dtype == np.float32
    np.testing.assert_array_equal(examples.inputs, np.full((1, 4, 4, 3), value, np.float32))
    np.testing.assert_array_equal(examples.pictures, np.full((1, 4, 4, 3), 255, np.uint8))
    assert examples.names == ["white"]


def test_arrays_are_taken_as_they_are(tmp_path):
    array = np.ones((2, 4, 4, 3), np.float64)
    np.save(tmp_path / "a.npy", array)
    examples = inputs.Reader(_SPEC).examples(str(tmp_path / "a.npy"))
    np.testing.assert_array_equal(examples.inputs, array)
    assert examples.pictures is examples.inputs
    assert examples.names is None


@pytest.mark.parametrize(("name", "value"), [("preprocess", "unit"), ("behind", "red"), ("value_range", (0, 1))])
def test_arrays_are_not_read_as_pictures(tmp_path, name, value):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with pytest.raises(OptionError, match=f"--{name} is for pictures"):
        inputs.Reader(_SPEC, **{name: value}).examples(str(tmp_path / "a.npy"))


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ([], {}),
        (["--preprocess=symmetric", "--behind=red"], {"preprocess": "symmetric", "behind": "red"}),
        (["--preprocess=127,128", "--behind=10,20.5,30"], {"preprocess": (127, 128), "behind": (10, 20.5, 30)}),
        (["--behind=7", "--preprocess=unit"], {"behind": 7, "preprocess": "unit"}),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 4, None])
def test_pictures_are_those_of_the_library(tmp_path, options, arguments, channels):
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (9, 7, 4), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(random.integers(0, 65536, (6, 5), np.uint16)).save(tmp_path / "b.png")
    (tmp_path / "c.tif").write_bytes(tiff(random.integers(0, 65536, (5, 5, 4), np.uint16), 2, extra=[2]))
    reader = _reader(tf.TensorSpec([None, 8, None, channels]), *options)
    examples = reader.examples(str(tmp_path / "c.tif"))
    found = dx.read_pictures(tmp_path / "c.tif", (8, None, channels or 3), **arguments)
    np.testing.assert_array_equal(examples.inputs, found)
    examples = _reader(tf.TensorSpec([None, 8, 8, channels]), *options).examples(str(tmp_path))
    np.testing.assert_array_equal(examples.inputs, dx.read_pictures(tmp_path, (8, 8, channels or 3), **arguments))
    assert examples.names == ["a", "b", "c"]


def test_floats_are_those_of_the_library(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(np.random.default_rng(0).normal(size=(6, 6, 1)).astype(np.float32)))
    reader = _reader(_SPEC, "--value_range=-4,4", "--preprocess=unit")
    expected = dx.read_pictures(path, (4, 4, 3), value_range=(-4, 4), preprocess="unit")
    np.testing.assert_array_equal(reader.examples(str(path)).inputs, expected)
    np.testing.assert_array_equal(reader.baseline(str(path)), expected[0])


def test_pictures_of_16_bits_are_shown_as_they_are(tmp_path):
    grey = np.full((4, 4, 1), 65535 // 4, np.uint16)
    (tmp_path / "a.png").write_bytes(png(grey))
    examples = inputs.Reader(_SPEC, preprocess="unit").examples(str(tmp_path / "a.png"))
    np.testing.assert_array_equal(examples.pictures, np.full((1, 4, 4, 3), 64, np.uint8))


@pytest.mark.parametrize(
    "option", ["--preprocess=zero", "--preprocess=1", "--preprocess=1,0", "--behind=whit", "--value_range=1"]
)
def test_other_options_of_pictures(option):
    with pytest.raises(OptionError, match=f"^{option.partition('=')[0]} must be"):
        _reader(_SPEC, option)


def test_baselines(white, tmp_path):
    reader = inputs.Reader(_SPEC, preprocess="unit")
    np.save(tmp_path / "a.npy", np.ones((4, 4, 3)))
    assert reader.baseline(None) is None
    assert reader.baseline("-1") == -1
    assert reader.baseline(str(tmp_path / "a.npy")).shape == (4, 4, 3)
    np.testing.assert_array_equal(reader.baseline(white), np.ones((4, 4, 3)))


@pytest.mark.parametrize("specs", [_SPEC, [_SPEC], {"image": _SPEC}])
def test_shape_of_a_picture(specs):
    assert inputs.picture_shape(specs) == (4, 4, 3)
    assert inputs.picture_shape(tf.TensorSpec([None, None, None, 1])) == (None, None, 1)


def test_no_shape_of_a_picture():
    with pytest.raises(InputError, match="does not tell"):
        inputs.picture_shape(None)
    with pytest.raises(InputError, match=r"Got one with \['a', 'b'\]: give an \.npz file"):
        inputs.picture_shape({"b": _SPEC, "a": _SPEC})
