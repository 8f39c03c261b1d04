import keras
import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.cli import inputs
from deepexplain_tf.errors import OptionError


@pytest.fixture
def model():
    return keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])


@pytest.fixture
def white(tmp_path):
    Image.new("RGB", (5, 5), "white").save(tmp_path / "white.png")
    return str(tmp_path / "white.png")


@pytest.mark.parametrize(("preprocess", "value"), [("none", 255), ("unit", 1), ("symmetric", 1), ("127,128", 1)])
def test_pictures_are_preprocessed_and_kept(model, white, preprocess, value):
    examples = inputs.Reader(model, preprocess).examples(white)
    assert examples.inputs.dtype == np.float32
    np.testing.assert_array_equal(examples.inputs, np.full((1, 4, 4, 3), value, np.float32))
    np.testing.assert_array_equal(examples.pictures, np.full((1, 4, 4, 3), 255, np.uint8))
    assert examples.names == ["white"]


def test_arrays_are_taken_as_they_are(model, tmp_path):
    array = np.ones((2, 4, 4, 3), np.float64)
    np.save(tmp_path / "a.npy", array)
    examples = inputs.Reader(model, "none").examples(str(tmp_path / "a.npy"))
    np.testing.assert_array_equal(examples.inputs, array)
    assert examples.pictures is examples.inputs
    assert examples.names is None


def test_arrays_are_not_preprocessed(model, tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with pytest.raises(OptionError, match="is for pictures"):
        inputs.Reader(model, "unit").examples(str(tmp_path / "a.npy"))


def test_baselines(model, white, tmp_path):
    reader = inputs.Reader(model, "unit")
    np.save(tmp_path / "a.npy", np.ones((4, 4, 3)))
    assert reader.baseline(None) is None
    assert reader.baseline("-1") == -1
    assert reader.baseline(str(tmp_path / "a.npy")).shape == (4, 4, 3)
    np.testing.assert_array_equal(reader.baseline(white), np.ones((4, 4, 3)))
