"""Tests of `rules/guided.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.rules.base import RULES
from tests.checks import Replaced

_Z = np.array([[-2.0, -1e-30, 0.0, 1e-30, 3.0, 3.0, 7.0]])
_UPSTREAM = np.array([[1.0, 2.0, 3.0, 4.0, -5.0, 6.0, 7.0]])


@pytest.mark.parametrize(
    ("op_type", "function", "expected"),
    [
        ("Relu", tf.nn.relu, [[0.0, 0.0, 0.0, 4.0, 0.0, 6.0, 7.0]]),
        ("Relu6", tf.nn.relu6, [[0.0, 0.0, 0.0, 4.0, 0.0, 6.0, 0.0]]),
    ],
)
def test_only_positive_gradients_pass_open_units(op_type, function, expected):
    replaced = Replaced(function, {op_type: RULES["guided"]})
    np.testing.assert_array_equal(replaced.outputs([_Z]), function(tf.constant(_Z)))
    (found,) = replaced.gradients([_Z], _UPSTREAM)
    np.testing.assert_array_equal(found, expected)


def test_rule_for_a_kind():
    """Any function of one value can be guided, with its own derivative."""
    z, upstream = np.array([[-1.0, 0.5, 2.0]]), np.array([[1.0, -1.0, 2.0]])
    (found,) = Replaced(tf.tanh, {"activation": RULES["guided"]}).gradients([z], upstream)
    np.testing.assert_allclose(found, (1 - np.tanh(z) ** 2) * [[1, 0, 2]], rtol=1e-14)
