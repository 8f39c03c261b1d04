"""Wrong baselines."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of
from tests.errors.refused import PATH, X, refuses, refuses_untraced

_WRONG_BASELINES = {
    "one for each of three": np.ones((3, 4)),
    "too few features": np.ones(3),
    "too few features of each": np.ones((2, 3)),
    "a rank too high": np.ones((1, 2, 4)),
    "one column": np.ones((2, 1)),
    "no example": X[:0],
    "nothing": np.array([]),
    "a list of numbers": [0.0, 0.0, 0.0, 0.0],
    "lists of numbers": [[0.0, 0.0, 0.0, 0.0]],
    "two arrays": [X, X],
    "an empty list": [],
    "an empty dict": {},
    "a wrong key": {"feature": X},
    "NaN": float("nan"),
    "NaN in an array": X * np.nan,
    "Inf": np.inf,
    "beyond the dtype": 1e300,
    "far beyond": 10**400,
    "a string": "zeros",
    "a number in a string": "0.5",
    "bytes": b"0",
    "strings": np.array(["a"] * 4),
    "an object": object(),
    "None in an array": np.array([None] * 4),
    "a complex number": 1j,
    "complex numbers": X * 1j,
    "a date": np.datetime64("2020-01-01"),
    "a function": lambda x: x,
    "a ragged tensor": tf.ragged.constant([[1.0, 2.0], [3.0]]),
    "a sparse tensor": tf.sparse.from_dense(X),
    "a Keras tensor": keras.KerasTensor((2, 4)),
}


@pytest.mark.parametrize("baseline", _WRONG_BASELINES.values(), ids=_WRONG_BASELINES)
def test_a_wrong_baseline(baseline: Any):
    refuses((InputError, TypeError), "baseline", method=PATH, baseline=baseline)


def test_a_wrong_baseline_names_the_shapes_that_fit():
    refuses(InputError, "[4]", "[2, 4]", "[3, 4]", method="deeplift", baseline=np.ones((3, 4)))


def test_a_wrong_baseline_of_several_inputs():
    with dx.DeepExplain(lambda left, right: tf.reduce_sum(left, 1) * tf.reduce_sum(right, 1)) as de:
        for baseline, words in (
            ([X], ("2", "Got 1")),
            (X, ("2 arrays", "one array")),
            ([X, X], ("[2]", "[2, 4]")),
            ([0.0, np.nan], ("finite",)),
        ):
            call = lambda baseline=baseline: de.explain("deeplift", [X, X[:, :2]], baseline=baseline)  # noqa: E731
            message_of(call, InputError, "baseline", *words)


@pytest.mark.parametrize("method", ["saliency", "gradient_x_input", "epsilon_lrp", "guided_backprop", "deconvnet"])
@pytest.mark.parametrize("baseline", [0.0, X], ids=["number", "array"])
def test_a_baseline_for_a_method_that_has_none(method: str, baseline: Any):
    refuses(OptionError, "baseline", method, method=method, baseline=baseline)
    refuses_untraced(OptionError, "baseline", method, method=method, baseline=baseline)
