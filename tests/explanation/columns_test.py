"""Tests of `explanation/columns.py`: explanations as tables of pandas."""

import sys

import numpy as np
import pandas as pd
import pytest

from deepexplain_tf.errors import DeepExplainError
from deepexplain_tf.explanation import Explanation
from tests.checks import explain, message_of
from tests.models import mlp

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def _explanation(attributions, **changes):
    return Explanation(attributions=attributions, outputs=np.zeros(3), method="deeplift", **changes)


def test_a_row_for_each_example_and_a_column_for_each_feature():
    e = explain(mlp(), "deeplift", X, target=1, feature_names=list("abcd"), example_names=list("pqr"))
    frame = e.to_frame()
    assert list(frame.columns) == list("abcd") and list(frame.index) == list("pqr") and frame.index.name == "example"
    np.testing.assert_array_equal(frame, e.attributions)
    assert list(e[1].to_frame().index) == ["q"]


def test_without_names_features_and_examples_are_numbered():
    frame = _explanation(X).to_frame()
    assert list(frame.columns) == ["0", "1", "2", "3"] and list(frame.index) == [0, 1, 2]


def test_several_axes_and_arrays_are_named_by_their_places():
    series, price = np.arange(12.0).reshape(3, 2, 2), np.ones((3, 1))
    e = _explanation({"load": series, "price": price}, feature_names={"load": ("day", "night")})
    frame = e.to_frame()
    assert list(frame.columns) == ["load 0 day", "load 0 night", "load 1 day", "load 1 night", "price"]
    np.testing.assert_array_equal(frame["load 1 day"], series[:, 1, 0])
    assert list(_explanation([price, X]).to_frame().columns) == ["input 0", *(f"input 1 {n}" for n in range(4))]


def test_words_are_rows():
    values = np.arange(12.0).reshape(3, 2, 2)
    e = _explanation(values, tokens=(("a", "b"), ("c", ""), ("", "")), example_names=("x", "y", "z"))
    frame = e.to_frame()
    assert list(frame.columns) == ["example", "position", "token", "attribution"]
    assert frame.to_numpy().tolist() == [["x", 0, "a", 1.0], ["x", 1, "b", 5.0], ["y", 0, "c", 9.0]]


def test_units_are_rows():
    e = explain(mlp(), "deeplift", X, target="all")
    frame = e.to_frame()
    assert frame.index.names == ["example", "unit"]
    np.testing.assert_array_equal(frame.loc[(2, 1)], e.attributions[2, 1])


def test_a_table_gives_itself():
    table = pd.DataFrame(X, columns=list("abcd"), index=list("pqr"))
    frame = explain(mlp(), "deeplift", table, target=1).to_frame()
    assert list(frame.columns) == list("abcd") and list(frame.index) == list("pqr")


@pytest.mark.parametrize("changes", [{}, {"tokens": (("a",) * 4,) * 3}])
def test_without_pandas(monkeypatch, changes):
    monkeypatch.setitem(sys.modules, "pandas", None)
    message_of(lambda: _explanation(X, **changes).to_frame(), DeepExplainError, "pip install 'deepexplain_tf[pandas]'")
