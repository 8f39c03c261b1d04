import keras
import numpy as np
import pytest

from deepexplain_tf.cli import model as models
from deepexplain_tf.errors import InputError, ModelError


def _two_inputs(structure):
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([a, b])
    inputs = {"list": [a, b], "tuple": (a, b), "dict": {"b": b, "a": a}}[structure]
    return keras.Model(inputs, keras.layers.Dense(1)(joined))


_ARRAYS = {"b": np.ones((2, 3)), "a": np.zeros((2, 4))}


def test_loads_what_keras_saved(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "model.keras")
    assert models.load(str(tmp_path / "model.keras")).output_shape == (None, 2)


def test_other_files_are_no_models(tmp_path):
    for name in ("a.txt", "a.keras", "a.h5"):
        (tmp_path / name).write_text("text")
        with pytest.raises(ModelError, match=f"{name} must be a model"):
            models.load(str(tmp_path / name))


def test_shape_of_a_picture():
    model = keras.Sequential([keras.Input((8, 6, 3)), keras.layers.Flatten()])
    assert models.picture_shape(model) == (8, 6, 3)


def test_no_shape_of_a_picture():
    with pytest.raises(InputError, match="does not tell"):
        models.picture_shape(keras.Sequential([keras.layers.Dense(2)]))
    with pytest.raises(InputError, match="This one has 2"):
        models.picture_shape(_two_inputs("list"))


@pytest.mark.parametrize("structure", ["list", "tuple", "dict"])
def test_arrays_are_arranged_as_the_model_takes_them(structure):
    model = _two_inputs(structure)
    arranged = models.arrange(_ARRAYS, model)
    assert type(arranged).__name__ == structure
    assert model(arranged).shape == (2, 1)


def test_numbered_arrays_are_taken_in_order():
    a, b = models.arrange({"arr_0": _ARRAYS["a"], "arr_1": _ARRAYS["b"]}, _two_inputs("list"))
    assert (a.shape, b.shape) == ((2, 4), (2, 3))


def test_names_must_be_those_of_the_inputs():
    with pytest.raises(InputError, match="input 'b'; known: 'a', 'x'"):
        models.arrange({"a": _ARRAYS["a"], "x": _ARRAYS["b"]}, _two_inputs("list"))
    with pytest.raises(InputError, match="no input 'extra'"):
        models.arrange({**_ARRAYS, "extra": np.ones(1)}, _two_inputs("dict"))
