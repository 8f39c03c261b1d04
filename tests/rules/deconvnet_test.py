"""Tests of `rules/deconvnet.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.rules.base import RULES
from tests.checks import Replaced


@pytest.mark.parametrize(("op_type", "function"), [("Relu", tf.nn.relu), ("Relu6", tf.nn.relu6)])
def test_positive_gradients_pass_whatever_the_unit(op_type, function):
    z, upstream = np.array([[-2.0, 0.0, 3.0, 7.0, -2.0]]), np.array([[1.0, -2.0, 3.0, 4.0, -5.0]])
    replaced = Replaced(function, {op_type: RULES["deconvnet"]})
    np.testing.assert_array_equal(replaced.outputs([z]), function(tf.constant(z)))
    (found,) = replaced.gradients([z], upstream)
    np.testing.assert_array_equal(found, [[1.0, 0.0, 3.0, 4.0, 0.0]])
