from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.arguments.strings import is_strings, read_strings, strings_in, with_strings
from deepexplain_tf.errors import InputError
from tests.checks import message_of

ONE, TWO = tf.TensorSpec([None], tf.string, "text"), [tf.TensorSpec([None], tf.string, name) for name in "ab"]


@pytest.mark.parametrize(
    ("given", "specs", "shapes"),
    [
        (["x", "y", "z"], ONE, [(3,)]),
        (["x", "y", "z"], None, [(3,)]),
        ([["x"], ["y"]], ONE, [(2, 1)]),
        ([["x"], ["y"]], None, [(1,), (1,)]),  # of two inputs, as far as one can tell
        ([["x", "y", "z"], ["u", "v", "w"]], TWO, [(3,), (3,)]),
        ({"a": ["x", "y"], "b": [["u"], [b"v"]]}, TWO, [(2,), (2, 1)]),
        ([["x", "y"], np.zeros((2, 3))], None, [(2,), (2, 3)]),
    ],
)
def test_lists_of_strings_are_arrays(given: Any, specs: Any, shapes: list[tuple[int, ...]]):
    found = with_strings(given, specs)
    assert [array.shape for array in tf.nest.flatten(found)] == shapes
    again = with_strings(found, specs)
    for one, other in zip(tf.nest.flatten(again), tf.nest.flatten(found), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("given", [[1.0, 2.0], ["x", 1.0], [[], []], [], 3.0, None, "x"])
def test_other_values_stay(given: Any):
    assert with_strings(given, ONE) == given


@pytest.mark.parametrize("kind", ["U", "S", object])
def test_strings_of_every_kind_are_read_as_bytes(kind: Any):
    array = np.array(["a", "cat", ""]).astype(kind)
    assert is_strings(array)
    found = read_strings(array, "text")
    assert found.dtype == object
    assert found.tolist() == [b"a", b"cat", b""]
    assert read_strings("ä", "text").item() == "ä".encode()
    assert read_strings(tf.constant([b"a\0"]), "text").tolist() == [b"a\0"]


@pytest.mark.parametrize("given", [np.ones(2), np.array([1, None], object), tf.ones(2), 1.0, None, [1]])
def test_what_is_no_string(given: Any):
    assert not is_strings(given)


@pytest.mark.parametrize(("shape", "wanted"), [([2], [2, 1]), ([2, 1], [2]), ([2], [2]), ([2, 3], [2, 3])])
def test_a_column_and_a_row_stand_for_each_other(shape: list[int], wanted: list[int]):
    spec = tf.TensorSpec([None, *wanted[1:]], tf.string)
    strings = np.full(shape, "x")
    assert list(strings_in(strings, spec, "text").shape) == wanted
    inside = tf.function(lambda text: strings_in(text, spec, "text"), autograph=False)
    assert inside(tf.constant(strings)).shape == wanted


def test_strings_of_another_shape():
    message_of(lambda: strings_in(np.full([2, 3], "x"), ONE, "text"), InputError, "text", "[2, 3]")
