"""Tests of `explanation/examples.py`: an explanation is a sequence of its examples."""

import copy
import pickle

import keras
import numpy as np
import pandas as pd
import pytest

import deepexplain_tf as dx
from deepexplain_tf.explanation import Explanation, load
from tests.checks import explain
from tests.models import filled, mlp

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
NAMES = {"feature_names": ["a", "b", "c", "d"], "example_names": list("pqrst"), "class_names": ["no", "yes", "maybe"]}


def _pair(**changes):
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    model = filled(keras.Model([left, right], keras.layers.Dense(3)(left * right)))
    return explain(model, "deeplift", {"left": X, "right": 2 * X}, target=1, **changes)


CASES = {
    "one array": lambda: explain(mlp(), "integrated_gradients", X, target=1, **NAMES),
    "predicted": lambda: explain(mlp(), "deeplift", X, **NAMES),
    "a target each": lambda: explain(mlp(), "deeplift", X, target=[0, 1, 2, 1, 0]),
    "weights": lambda: explain(mlp(), "deeplift", X, target=np.full((1, 3), 0.5)),
    "weights each": lambda: explain(mlp(), "deeplift", X, target=np.arange(15.0).reshape(5, 3)),
    "all units": lambda: explain(mlp(), "deeplift", X, target="all"),
    "sampled": lambda: explain(mlp(), "shapley_sampling", X, target=1, n_samples=4, seed=0),
    "adaptive": lambda: explain(mlp(), "integrated_gradients", X, target=1, tolerance=1e-3),
    "pairs": lambda: explain(mlp(), "integrated_hessians", X, target=1, n_steps=2),
    "two arrays": lambda: _pair(tokens={"left": [list("wxyz")] * 5}, feature_names={"right": list("abcd")}),
    "a table": lambda: explain(mlp(), "deeplift", pd.DataFrame(X, columns=list("abcd"), index=list("pqrst")), target=1),
    "tokens": lambda: explain(mlp(), "deeplift", X, target=1, tokens=[list("wxyz"), *[["w"]] * 4]),
}


@pytest.fixture(scope="module", params=CASES)
def e(request) -> Explanation:
    return CASES[request.param]()


def _leaves(structure):
    if isinstance(structure, dict):
        return [leaf for part in structure.values() for leaf in _leaves(part)]
    return [np.asarray(structure)]


def test_one_example_has_its_row_of_each_array(e):
    assert len(e) == 5
    for one, row in ((e[3], 3), (e[-5], 0), (e[np.int64(1)], 1)):
        assert not one.batched
        for field in ("attributions", "outputs", "baseline_outputs", "completeness_gap", "standard_error", "inputs"):
            whole, part = getattr(e, field), getattr(one, field)
            assert (whole is None) == (part is None)
            for array, entry in zip(_leaves(whole), _leaves(part), strict=True):
                if whole is not None:
                    np.testing.assert_array_equal(entry, array[row])
        assert (one.method, one.notes, one.feature_names) == (e.method, e.notes, e.feature_names)


def test_a_loop_gives_each_example_in_order(e):
    outputs = [np.asarray(one.outputs) for one in e]
    np.testing.assert_array_equal(outputs, e.outputs)


def test_slices_lists_and_masks_are_explanations(e):
    for rows in (
        slice(1, 4),
        slice(None, None, -2),
        [3, 3, 0],
        np.array([True, False, True, False, False]),
        slice(0, 0),
    ):
        part = e[rows]
        kept = np.arange(5)[rows]
        assert len(part) == len(kept)
        for array, chosen in zip(_leaves(e.attributions), _leaves(part.attributions), strict=True):
            np.testing.assert_array_equal(chosen, array[kept])
        assert part[:] == part


def test_a_batch_of_one_is_the_example_again(e):
    assert e[2].batch()[0] == e[2]
    assert e.batch() is e
    for array, row in zip(_leaves(e[2].batch().attributions), _leaves(e.attributions), strict=True):
        np.testing.assert_array_equal(array, row[2:3])


def test_parts_are_saved_copied_and_pickled(e, tmp_path):
    for part in (e, e[1], e[1:3]):
        part.save(tmp_path / "part.npz")
        again = load(tmp_path / "part.npz")
        for field in ("attributions", "outputs", "target", "tokens", "feature_names", "example_names", "batched"):
            found, wanted = getattr(again, field), getattr(part, field)
            assert type(found) is type(wanted) or hasattr(wanted, "iloc")
            np.testing.assert_equal(*(np.asarray(x) if hasattr(wanted, "iloc") else x for x in (found, wanted)))
        assert pickle.loads(pickle.dumps(part)) == part
        assert copy.deepcopy(part) == part
        repr(part)


def test_names_and_targets_follow_their_examples():
    e = CASES["one array"]()
    assert e[1:3].example_names == ("q", "r")
    assert e[[4, 0]].example_names == ("t", "p")
    assert e[4].example_names == "t"
    assert e[4].batch().example_names == ("t",)
    assert e[4].class_names == ("no", "yes", "maybe")
    each = CASES["a target each"]()
    assert each[2].target == 2 and type(each[2].target) is int
    np.testing.assert_array_equal(each[1:3].target, [1, 2])
    np.testing.assert_array_equal(CASES["weights each"]()[2].target, [6, 7, 8])
    np.testing.assert_array_equal(CASES["weights"]()[2].target, [0.5, 0.5, 0.5])
    pair = CASES["two arrays"]()
    assert pair[1].tokens == {"left": ("w", "x", "y", "z")}
    assert pair[1:3].tokens == {"left": (("w", "x", "y", "z"),) * 2}


def test_a_table_stays_a_table():
    e = CASES["a table"]()
    assert list(e[1:3].attributions.index) == ["q", "r"]
    assert e[1].attributions["c"] == e.attributions["c"]["q"]
    assert e.feature_names == ("a", "b", "c", "d") and e.example_names == tuple("pqrst")
    assert list(e.inputs.columns) == list("abcd")


def test_there_are_no_other_examples():
    e = CASES["one array"]()
    for row in (5, -6):
        with pytest.raises(IndexError, match="5 examples"):
            e[row]
    for wrong in (lambda: len(e[0]), lambda: e[0][0], lambda: list(e[0])):
        with pytest.raises(TypeError, match="one example"):
            wrong()


def test_inputs_are_copies_in_the_structure_of_the_users():
    x = X.copy()
    e = explain(mlp(), "deeplift", x, target=1)
    x[:] = 0
    np.testing.assert_array_equal(e.inputs, X)
    pair = CASES["two arrays"]()
    assert list(pair.inputs) == ["left", "right"]
    np.testing.assert_array_equal(pair.inputs["right"], 2 * X)


def test_a_repeated_call_has_the_inputs_and_names_of_its_own():
    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer("deeplift", target=1, feature_names=list("abcd"))
    for x in (X, X + 1, 2 * X):
        e = explainer(x)
        np.testing.assert_array_equal(e.inputs, x)
        assert e.feature_names == ("a", "b", "c", "d")
