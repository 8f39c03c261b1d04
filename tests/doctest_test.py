"""The examples in docstrings are run."""

import doctest

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf import explain, metrics
from deepexplain_tf.comparison import comparing
from deepexplain_tf.export import module as explained_model


@pytest.mark.parametrize("module", [comparing, explain, explained_model, metrics])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(module, extraglobs={"np": np, "tf": tf})
    assert result.attempted > 0
    assert result.failed == 0
