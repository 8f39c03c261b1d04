import numpy as np
from PIL import Image
import pytest
import tensorflow as tf

from deepexplain_tf.cli import inputs
from deepexplain_tf.errors import InputError, OptionError

_SPEC = tf.TensorSpec([None, 4, 4, 3], name="image")


@pytest.fixture
def white(tmp_path):
    Image.new("RGB", (5, 5), "white").save(tmp_path / "white.png")
    return str(tmp_path / "white.png")


@pytest.mark.parametrize(("preprocess", "value"), [("none", 255), ("unit", 1), ("symmetric", 1), ("127,128", 1)])
def test_pictures_are_preprocessed_and_kept(white, preprocess, value):
    examples = inputs.Reader(_SPEC, preprocess).examples(white)
    assert examples.inputs.dtype == np.float32
    np.testing.assert_array_equal(examples.inputs, np.full((1, 4, 4, 3), value, np.float32))
    np.testing.assert_array_equal(examples.pictures, np.full((1, 4, 4, 3), 255, np.uint8))
    assert examples.names == ["white"]


def test_arrays_are_taken_as_they_are(tmp_path):
    array = np.ones((2, 4, 4, 3), np.float64)
    np.save(tmp_path / "a.npy", array)
    examples = inputs.Reader(_SPEC, "none").examples(str(tmp_path / "a.npy"))
    np.testing.assert_array_equal(examples.inputs, array)
    assert examples.pictures is examples.inputs
    assert examples.names is None


def test_arrays_are_not_preprocessed(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with pytest.raises(OptionError, match="is for pictures"):
        inputs.Reader(_SPEC, "unit").examples(str(tmp_path / "a.npy"))


def test_baselines(white, tmp_path):
    reader = inputs.Reader(_SPEC, "unit")
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
