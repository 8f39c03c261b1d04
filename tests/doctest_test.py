"""The examples in docstrings are run."""

import doctest

import numpy as np
import pytest

from deepexplain_tf import explain, metrics
from deepexplain_tf.comparison import comparing


@pytest.mark.parametrize("module", [comparing, explain, metrics])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(module, extraglobs={"np": np})
    assert result.attempted > 0
    assert result.failed == 0
