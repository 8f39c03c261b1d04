import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.cli import values
from deepexplain_tf.cli.command import UsageError


def test_target_is_one_number():
    assert values.target("7") == 7
    assert values.target(" -1") == -1
    assert values.target(None) is None


def test_target_list_is_one_per_example():
    np.testing.assert_array_equal(values.target("3,8"), [3, 8])
    np.testing.assert_array_equal(values.target("3,"), [3])


def test_target_in_brackets_is_an_index():
    assert values.target("(4, 2)") == (4, 2)


@pytest.mark.parametrize("text", ["cat", "1.5", "3;4", "True", "", "[1]", "1,x", "__import__('os')"])
def test_another_target_is_wrong_usage(text):
    with pytest.raises(UsageError, match="--target"):
        values.target(text)


def test_number():
    assert values.number("-0.5") == -0.5
    assert values.number("grey.npy") is None


def test_name_or_numbers():
    assert values.name_or_numbers("unit") == "unit"
    assert values.name_or_numbers("#102030") == "#102030"
    assert values.name_or_numbers("128") == 128
    assert values.name_or_numbers("-1024,3071.5") == (-1024, 3071.5)
    assert values.name_or_numbers("1,x") == "1,x"


def test_name_or_index():
    assert values.name_or_index("auto") == "auto"
    assert values.name_or_index("1") == 1
    assert values.name_or_index("-1") == -1


def test_input_signature():
    assert values.input_signature(None) is None
    assert values.input_signature(["x:0:float32[?,28, 28,1]", "int32[2]"]) == [
        tf.TensorSpec([None, 28, 28, 1], tf.float32, "x:0"),
        tf.TensorSpec([2], tf.int32),
    ]


@pytest.mark.parametrize("text", ["x", "x:float32", "x:float32[]", "x:float32[?,n]", "x:float33[?]", ":[?]", "[?]"])
def test_another_input_signature_is_wrong_usage(text):
    with pytest.raises(UsageError, match="--input_signature"):
        values.input_signature([text])


def test_options_are_literals_or_text():
    found = values.options(["n_steps=128", "window_shape=(8,8,3)", "quadrature=midpoint", "signed=True"])
    assert found == {"n_steps": 128, "window_shape": (8, 8, 3), "quadrature": "midpoint", "signed": True}


def test_noise_is_a_kind_with_arguments():
    assert values.noise(None) is None
    assert values.noise("smoothgrad") == dx.noise("smoothgrad")
    assert values.noise("vargrad,stdev=0.5,n_samples=9,seed=3") == dx.noise("vargrad", 0.5, 9, seed=3)
    assert values.noise("smoothgrad_sq,stdev=20%") == dx.noise("smoothgrad_sq", "20%")
    assert values.noise("model,n_samples=9,seed=3") == dx.noise("model", n_samples=9, seed=3)


@pytest.mark.parametrize(
    "text", ["", "smooth", "smoothgrad,", "smoothgrad,0.1", "smoothgrad,sd=1", "smoothgrad,stdev=x", "vargrad,kind=a"]
)
def test_other_noise_is_wrong_usage(text):
    with pytest.raises(UsageError, match="--noise"):
        values.noise(text)


def test_option_is_the_array_of_a_file(tmp_path):
    np.save(tmp_path / "groups.npy", np.arange(6))
    found = values.options([f"groups={tmp_path / 'groups.npy'}"])
    np.testing.assert_array_equal(found["groups"], np.arange(6))


@pytest.mark.parametrize("texts", [["n_steps"], ["=3"], ["n steps=3"], ["n=1", "n=2"]])
def test_other_options_are_wrong_usage(texts):
    with pytest.raises(UsageError, match="--option"):
        values.options(texts)
