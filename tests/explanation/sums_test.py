"""Tests of `explanation/sums.py`."""

import keras
import numpy as np
import pandas as pd
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError
from deepexplain_tf.explanation import Explanation
from tests.checks import explain, message_of
from tests.models import filled, mlp

R = np.random.default_rng(0)
PICTURES = R.normal(size=(3, 4, 6, 2))


def _explanation(attributions, **changes):
    first = attributions if isinstance(attributions, np.ndarray) else next(iter(attributions.values()))
    fields = {"outputs": np.zeros(len(first)), "method": "deeplift"}
    return Explanation(attributions=attributions, **(fields | changes))


@pytest.mark.parametrize(
    ("over", "axes"), [("channels", 3), (-1, 3), (3, 3), ((1, 2), (1, 2)), ((-1, 1), (1, 3)), (1, 1), (np.int64(2), 2)]
)
def test_sums_over_axes_are_numpys(over, axes):
    e = _explanation(PICTURES).sum(over)
    np.testing.assert_allclose(e.attributions, PICTURES.sum(axes), atol=1e-12)


def test_all_axes_of_an_example_make_one_number():
    e = _explanation(PICTURES).sum((1, 2, 3))
    np.testing.assert_allclose(e.attributions, PICTURES.sum((1, 2, 3)), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_sums_have_the_dtype_of_the_attributions(dtype):
    e = _explanation(np.full((2, 5000), 0.1, dtype)).sum(1)
    assert e.attributions.dtype == dtype
    np.testing.assert_allclose(e.attributions, 5000 * float(dtype(0.1)), rtol=np.finfo(dtype).eps)


def test_sums_of_labels_are_in_ascending_order():
    labels = R.integers(-2, 3, (4, 6, 2))
    e = _explanation(PICTURES).sum(labels)
    wanted = [PICTURES[:, labels == label].sum(1) for label in np.unique(labels)]
    np.testing.assert_allclose(e.attributions, np.stack(wanted, 1), atol=1e-12)


def test_named_groups_of_a_table():
    table = R.normal(size=(3, 5))
    e = _explanation(table, feature_names=("age", "job_a", "job_b", "city_x", "city_y"))
    found = e.sum({"job": ["job_a", "job_b"], "city": [3, -1]})
    assert found.feature_names == ("job", "city", "age")
    np.testing.assert_allclose(
        found.attributions, np.stack([table[:, 1:3].sum(1), table[:, 3:].sum(1), table[:, 0]], 1)
    )
    single = _explanation(table).sum({"first": 0})
    assert single.feature_names == ("first", "1", "2", "3", "4")
    np.testing.assert_array_equal(single.attributions, table)


def test_a_dataframe_becomes_one_of_groups():
    x = pd.DataFrame(R.normal(size=(3, 4)).astype(np.float32), columns=list("abcd"), index=list("pqr"))
    e = explain(mlp(), "deeplift", x, target=1)
    found = e.sum({"ab": ["a", "b"]}).attributions
    assert list(found.columns) == ["ab", "c", "d"] and list(found.index) == ["p", "q", "r"]
    np.testing.assert_allclose(found["ab"], e.attributions["a"] + e.attributions["b"], rtol=1e-5)


def test_words_are_the_sums_of_their_pieces():
    values = R.normal(size=(2, 4, 3))
    values[0, 3] = 0
    e = _explanation(values, tokens=(("un", "##do", "it", ""), ("a", "b", "##c", "##d"))).sum("words")
    assert e.tokens == (("undo", "it"), ("a", "bcd"))
    scores = values.sum(2)
    wanted = [[scores[0, :2].sum(), scores[0, 2]], [scores[1, 0], scores[1, 1:].sum()]]
    np.testing.assert_allclose(e.attributions, wanted, atol=1e-12)


def test_shorter_texts_end_in_padding():
    e = _explanation(np.array([[1.0, 1, 1], [1, 0, 0]]), tokens=(("a", "b", "c"), ("a", "", ""))).sum("words")
    assert e.tokens == (("a", "b", "c"), ("a", "", ""))
    np.testing.assert_array_equal(e.attributions, [[1, 1, 1], [1, 0, 0]])


def test_padding_with_attributions_is_a_word_of_its_own():
    e = _explanation(np.array([[1.0, 2, 3], [4, 5, 6]]), tokens=(("a", "b", "c"), ("a", "", ""))).sum("words")
    assert e.tokens == (("a", "b", "c"), ("a", "[padding]", ""))
    np.testing.assert_array_equal(e.attributions, [[1, 2, 3], [4, 11, 0]])


def test_tokens_stay_while_their_axis_does():
    e = _explanation(np.ones((1, 2, 3)), tokens=(("a", "b"),), feature_names=tuple("xyz"))
    assert e.sum(-1).tokens == (("a", "b"),) and e.sum(-1).feature_names is None
    assert e.sum(1).tokens is None and e.sum(1).feature_names == ("x", "y", "z")


def test_several_units_are_summed_for_themselves():
    e = explain(mlp(), "deeplift", R.normal(size=(2, 4)).astype(np.float32), target="all")
    found = e.sum(np.array([0, 0, 1, 1]))
    assert found.attributions.shape == (2, 3, 2)
    np.testing.assert_allclose(found.attributions[..., 0], e.attributions[..., :2].sum(-1), rtol=1e-5, atol=1e-6)
    message_of(lambda: e.sum(1), OptionError, "axes must be different ones of an example, from 2 to 2")


def test_several_arrays():
    values = {"text": R.normal(size=(2, 3, 4)), "price": R.normal(size=(2, 1))}
    e = _explanation(values, tokens={"text": (("a", "b", "c"),) * 2}, feature_names={"price": ("euro",)})
    found = e.sum({"text": -1})
    np.testing.assert_allclose(found.attributions["text"], values["text"].sum(-1))
    np.testing.assert_array_equal(found.attributions["price"], values["price"])
    assert found.tokens["text"] == (("a", "b", "c"),) * 2 and found.feature_names["price"] == ("euro",)
    np.testing.assert_allclose(e.sum(-1).attributions["price"], values["price"].sum(-1))
    message_of(lambda: e.sum({"texts": -1}), OptionError, "closest: 'text'")


def _groups_of(method, groups, **options):
    x = R.normal(size=(2, 4, 4, 3)).astype(np.float32)
    model = filled(
        keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 2), keras.layers.GlobalMaxPool2D()])
    )
    return explain(model, method, x, target=0, groups=groups, **options)


@pytest.mark.parametrize(("method", "options"), [("kernel_shap", {"n_samples": 32, "seed": 0}), ("occlusion", {})])
def test_a_group_counts_once(method, options):
    quarters = np.arange(4).repeat(2).reshape(2, 4)[[0, 0, 1, 1]][..., None].repeat(3, 2)
    e = _groups_of(method, quarters, **options)
    channels = e.sum("channels")
    np.testing.assert_array_equal(channels.attributions, e.attributions[..., 0])
    whole = channels.sum((1, 2))
    of_each = np.stack([e.attributions[:, r, c, 0] for r in (0, 2) for c in (0, 2)], 1)
    np.testing.assert_allclose(whole.attributions, of_each.sum(1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(e.sum(quarters).attributions, of_each, rtol=1e-6)
    if e.completeness_gap is not None:
        drop = e.outputs - e.baseline_outputs + e.completeness_gap
        np.testing.assert_allclose(whole.attributions, drop, rtol=1e-4, atol=1e-5)
    message_of(lambda: e.sum(1), OptionError, "within groups, or over whole groups")


def test_noise_around_groups_counts_them_once_too():
    groups = np.zeros((4, 4, 3), int)
    e = _groups_of("occlusion", groups, noise=dx.noise("smoothgrad", n_samples=2), seed=0)
    np.testing.assert_array_equal(e.sum((1, 2, 3)).attributions, e.attributions[:, 0, 0, 0])


def test_one_example_is_summed_like_a_batch():
    e = _explanation(PICTURES)
    np.testing.assert_array_equal(e[1].sum("channels").attributions, e.sum("channels").attributions[1])


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ("chanels", "sums are over 'channels'"),
        (0, "axes must be different ones of an example, from 1 to 3"),
        (4, "axes must be different ones"),
        ((1, 1), "axes must be different ones"),
        ((1, -3), "axes must be different ones"),
        (True, "sums are over"),
        (1.5, "sums are over"),
        (None, "sums are over"),
        ([[1, 2], [3]], "sums are over"),
        (np.zeros((4, 6), int), "sums are over"),
        (np.zeros((4, 6, 2)), "sums are over"),
        ({"a": [0]}, "named groups are groups of the features of a table"),
        ("words", "give tokens= to the call"),
    ],
    ids=str,
)
def test_other_sums_are_refused(over, words):
    message_of(lambda: _explanation(PICTURES).sum(over), OptionError, words)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"g": ["a", "a"]}, "a feature must be in one group"),
        ({"g": ["a"], "h": [0]}, "a feature must be in one group"),
        ({"g": ["aa"]}, "known: 'a', 'b'"),
        ({"g": [3]}, "one of -2 … 1"),
        ({"g": [[0]]}, "a group must hold features"),
    ],
    ids=str,
)
def test_other_groups_are_refused(groups, words):
    message_of(lambda: _explanation(np.ones((1, 2)), feature_names=("a", "b")).sum(groups), OptionError, words)


def test_pairs_have_no_sums():
    message_of(lambda: _explanation(np.ones((1, 2, 2)), pairwise=True).sum(1), OptionError, "pairs of features")
