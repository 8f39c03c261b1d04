"""Tests of `metrics/arguments.py`; what is refused is in `errors_test.py`."""

import numpy as np

import deepexplain_tf as dx
from deepexplain_tf.metrics.arguments import Examples

X, Y = np.arange(6.0).reshape(2, 3), np.arange(8.0).reshape(2, 2, 2)


def test_sums_of_elements_positions_and_groups():
    given = Examples.read([X, Y])
    np.testing.assert_array_equal(given.features(None).sums([X, Y]), np.hstack([X, Y.reshape(2, 4)]))
    np.testing.assert_array_equal(given.features("elements").ids[1], [[3, 4], [5, 6]])
    positions = given.features("positions")
    assert positions.count == 3  # the last axis of [3] is all of it
    np.testing.assert_array_equal(positions.sums([X, Y]), [[3, 1, 5], [12, 9, 13]])
    groups = given.features([np.array([4, 4, 0]), np.array([[0, 0], [4, 8]])])
    np.testing.assert_array_equal(groups.sums([X, Y]), [[2 + 0 + 1, 0 + 1 + 2, 3], [5 + 4 + 5, 3 + 4 + 6, 7]])


def test_a_dict_with_the_names_of_the_inputs_is_one_attribution():
    given = Examples.read({"x": X, "y": Y})
    one = given.attributions({"y": Y, "x": X})
    assert one.names is None
    assert one.by_name(["score"]) == "score"
    np.testing.assert_array_equal(one.arrays[0][1], Y)


def test_any_other_dict_is_several():
    e = dx.Explanation(attributions={"x": X, "y": Y}, outputs=np.zeros(2), method="deeplift")
    several = Examples.read({"x": X, "y": Y}).attributions({"deeplift": e, "other": {"x": -X, "y": Y}})
    assert several.by_name([1, 2]) == {"deeplift": 1, "other": 2}
    np.testing.assert_array_equal(several.arrays[1][0], -X)


def test_pack_gives_the_users_structure():
    for inputs in ([X, Y], (X, Y), {"y": Y, "x": X}, X, [X]):
        given = Examples.read(inputs)
        packed = given.pack(given.inputs)
        assert type(packed) is type(inputs)
        if isinstance(inputs, dict):
            np.testing.assert_array_equal(packed["y"], Y)
