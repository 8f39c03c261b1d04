"""Tests of `arguments/names.py`: names that are checked before any work is done."""

import keras
import numpy as np
import pandas as pd
import pytest

import deepexplain_tf as dx
from deepexplain_tf.arguments.names import Names, read_names
from deepexplain_tf.errors import OptionError
from tests.checks import explain, message_of
from tests.models import filled, mlp

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def _read(structure=0, shapes=((4,),), batch=3, **names):
    return read_names(Names(**names), structure, shapes, batch)


def test_names_become_tuples_of_texts():
    found = _read(
        feature_names=np.array(["a", "b", "c", "d"]),
        tokens=[["w", b"x"], ("y",), np.array(["z"] * 4)],
        class_names=["no", "yes"],
        example_names=pd.Index([10, 20, 30]),
    )
    assert found.feature_names == ("a", "b", "c", "d")
    assert found.tokens == (("w", "x", "", ""), ("y", "", "", ""), ("z",) * 4)
    assert (found.class_names, found.example_names) == (("no", "yes"), ("10", "20", "30"))
    assert all(type(name) is str for name in found.feature_names)


def test_names_of_several_arrays_may_leave_some_out():
    shapes = [(2,), (3, 1)]
    by_name = _read({"x": 0, "y": 1}, shapes, tokens={"y": [["a"]] * 3}, feature_names={"x": ["p", "q"]})
    assert by_name.tokens == {"y": (("a", "", ""),) * 3} and by_name.feature_names == {"x": ("p", "q")}
    assert _read([0, 1], shapes, feature_names=[None, ["z"]]).feature_names == [None, ("z",)]


def test_open_lengths_and_batches_take_any_number():
    assert _read(shapes=[(None,)], batch=None, feature_names=["a"], tokens=[["b"]]).tokens == (("b",),)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"feature_names": ["a"]}, "feature_names must be 4 texts"),
        ({"feature_names": "abcd"}, "feature_names must be a sequence of texts. Got 'abcd'"),
        ({"feature_names": [None] * 4}, "feature_names must hold texts. Got None"),
        ({"feature_names": 7}, "feature_names must be a sequence of texts. Got int"),
        ({"tokens": [["a"]]}, "tokens must be a row for each of 3 examples. Got 1"),
        ({"tokens": [["a"] * 5] * 3}, "at most 4 texts"),
        ({"tokens": ["ab"] * 3}, "a row of tokens must be a sequence of texts. Got 'ab'"),
        ({"tokens": "ab"}, "tokens must be a row of texts for each example. Got 'ab'"),
        ({"tokens": 3}, "tokens must be a row of texts"),
        ({"class_names": "yes"}, "class_names must be a sequence"),
        ({"class_names": [True]}, "class_names must hold texts"),
        ({"example_names": ["a"]}, "example_names must be 3 texts"),
    ],
    ids=str,
)
def test_other_names_are_refused(names, words):
    message_of(lambda: _read(**names), OptionError, words)
    message_of(lambda: explain(mlp(), "deeplift", X, target=1, **names), OptionError, words)


def test_names_in_another_structure_are_refused():
    message_of(lambda: _read({"x": 0}, feature_names=["a"]), OptionError, "feature_names must be a dict")
    message_of(lambda: _read({"xs": 0}, tokens={"x": []}), OptionError, "known: 'xs'")
    message_of(lambda: _read([0, 1], [(1,), (1,)], feature_names=[["a"]]), OptionError, "an entry for each of 2")
    message_of(lambda: _read(shapes=[()], tokens=[["a"]] * 3), OptionError, "inputs [batch]")


def test_nothing_is_computed_before_names_are_checked(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("work was done")

    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer("integrated_gradients", target=1)
        explainer(X)
        monkeypatch.setattr("deepexplain_tf.engine.call.Call.evaluate", fail)
        message_of(lambda: explainer(X, feature_names=["a"]), OptionError, "feature_names must be 4 texts")


def test_names_belong_to_what_is_explained():
    words = keras.layers.Embedding(9, 2, name="words")
    model = filled(keras.Sequential([keras.Input((5,)), words, keras.layers.Flatten(), keras.layers.Dense(2)]))
    ids = np.arange(15).reshape(3, 5) % 9
    e = explain(model, "deeplift", ids, target=1, layer="words", tokens=[list("vwxyz")] * 3, feature_names=["p", "q"])
    assert e.tokens == (tuple("vwxyz"),) * 3 and e.feature_names == ("p", "q")
    table = pd.DataFrame(ids, columns=list("abcde"))
    assert explain(model, "deeplift", table, target=1, layer="words").feature_names is None


def test_names_of_pairs_are_those_of_the_features():
    names = {"feature_names": list("abcd")}
    assert explain(mlp(), "integrated_hessians", X, target=1, n_steps=2, **names).feature_names == tuple("abcd")
    groups = np.array([0, 0, 1, 1])
    e = explain(mlp(), "integrated_hessians", X, target=1, n_steps=2, groups=groups, feature_names=["ab", "cd"])
    assert e.feature_names == ("ab", "cd")


def test_columns_and_rows_of_tables_are_names():
    table = pd.DataFrame(X, columns=["age", "sex", 3, "x"])
    e = explain(mlp(), "deeplift", table, target=1)
    assert e.feature_names == ("age", "sex", "3", "x") and e.example_names is None
    assert explain(mlp(), "deeplift", table, target=1, feature_names=list("abcd")).feature_names == tuple("abcd")
    assert explain(mlp(), "deeplift", table, target="all").feature_names == ("age", "sex", "3", "x")


def test_a_column_for_each_input_names_itself():
    inputs = {name: keras.Input((1,), name=name) for name in ("b", "a")}
    model = filled(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Concatenate()(list(inputs.values())))))
    table = pd.DataFrame(X[:, :2], columns=["b", "a"], index=list("pqr"))
    e = explain(model, "deeplift", table)
    assert e.feature_names == ("b", "a") and e.example_names == ("p", "q", "r")
    message_of(
        lambda: explain(model, "deeplift", table, feature_names={"a": ["x"]}), OptionError, "the columns of the table"
    )
