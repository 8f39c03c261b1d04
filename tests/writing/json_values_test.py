"""Tests of `json_values.py`."""

import json

import ml_dtypes
import numpy as np

from deepexplain_tf.comparison.provenance import described
from deepexplain_tf.writing.json_values import to_json


def test_plain():
    value = {"a": np.float32(0.5), 3: [np.nan, np.int64(2), True, None], "b": np.array([1.0, np.inf]), "c": (1, "x")}
    assert to_json(value) == {"a": 0.5, "3": [None, 2, True, None], "b": [1.0, None], "c": [1, "x"]}
    json.dumps(to_json(value), allow_nan=False)


def test_arguments():
    assert described(np.array([1, 2])) == [1, 2]
    assert described(np.array([1, 2], ml_dtypes.bfloat16)) == [1.0, 2.0]
    assert described(len) == "len"
    large, other = np.zeros((10, 10), np.float32), np.ones((10, 10), np.float32)
    assert described({"x": large})["x"].startswith("float32[10, 10] sha256 ")
    assert described(large) != described(other)
    assert described(object()) == "object"
