"""Tests of `features.py`."""

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.arguments.features import number_elements, number_groups


def test_elements_are_numbered_through_all_inputs():
    first, second = number_elements([(2, 2), (3,)])
    np.testing.assert_array_equal(first, [[0, 1], [2, 3]])
    np.testing.assert_array_equal(second, [4, 5, 6])


def test_groups_are_numbered_in_their_order_and_mean_the_same_everywhere():
    first, second = number_groups([[[9, -2], [9, 5]], np.array([5, 7])], [(2, 2), (2,)])
    np.testing.assert_array_equal(first, [[3, 0], [3, 1]])
    np.testing.assert_array_equal(second, [1, 2])


@pytest.mark.parametrize("groups", [[[0, 1]], [[0, 1, 2], [0]], [[0.0, 1.0, 2.0]], [[[0], [1, 2]]], ["abc"]])
def test_wrong_groups(groups):
    with pytest.raises(dx.DeepExplainError, match="groups must be"):
        number_groups(groups, [(3,)])
