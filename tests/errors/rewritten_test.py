"""Wrong inputs and baselines of rewritten models."""

from typing import Any

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of
from tests.errors.refused import X
from tests.models import mlp

_WRONG_FOR_REWRITTEN = {
    "too few features": X[:, :3],
    "a rank too low": X[0],
    "strings": np.array([["a"] * 4]),
    "complex": X * 1j,
    "None": None,
    "lists of numbers": [[1.0, 2.0, 3.0, 4.0]],
    "two arrays": [X, X],
    "no example": X[:0],
    "NaN": X * np.nan,
}


@pytest.mark.parametrize("inputs", _WRONG_FOR_REWRITTEN.values(), ids=_WRONG_FOR_REWRITTEN)
def test_wrong_inputs_of_a_rewritten_model(inputs: Any):
    with dx.DeepExplain(mlp()) as de:
        rewritten = de.rewrite("deeplift")
        message_of(lambda: rewritten(inputs), (InputError, TypeError), "input")


@pytest.mark.parametrize("baseline", [X, X[:, :3], np.nan, "a"], ids=["each", "shape", "NaN", "string"])
def test_a_wrong_baseline_of_a_rewritten_model(baseline: Any):
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.rewrite("deeplift", baseline)(X), (InputError, TypeError), "baseline")
        message_of(lambda: de.rewrite("guided_backprop", baseline), OptionError, "baseline")
