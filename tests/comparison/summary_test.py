import dataclasses
import sys

import keras
import numpy as np
import pytest
import scipy.stats

import deepexplain_tf as dx
from deepexplain_tf.comparison.summary import summarise
from deepexplain_tf.errors import DeepExplainError, InputError
from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.metrics.base import Score
from tests.checks import explain, message_of
from tests.models import filled, mlp

_USED = {name: METHODS[name]() for name in dx.list_methods()}
_X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)


def _explanations(*methods, x=_X):
    return {method: explain(mlp(), method, x, target=1) for method in methods}


def _summary(explanations, scores, better=None):
    made = {metric: {m: Score(per_example=np.array(v)) for m, v in found.items()} for metric, found in scores.items()}
    given = dict.fromkeys(scores, "higher") if better is None else better
    return summarise(explanations, made, given, dict.fromkeys(explanations, 1.5), _USED)


def test_ranks_and_p_values_are_those_of_a_hand_made_table():
    """The second is a bit better than the first in all ten examples; the third is worse, but for one."""
    first = np.arange(10.0)
    third = first - 2
    third[3] += 3
    scores = {"insertion": {"deeplift": first, "saliency": first + 0.5, "gradient_x_input": third}}
    found = _summary(_explanations(*scores["insertion"]), scores)
    ranks = {s.method: s.rank for s in found.standings}
    assert list(ranks) == ["saliency", "deeplift", "gradient_x_input"]
    assert ranks == pytest.approx({"saliency": (9 + 2) / 10, "deeplift": (9 * 2 + 3) / 10, "gradient_x_input": 2.8})
    # Ten differences of one sign: 2 of the 2¹⁰ signs are as far from even; Holm doubles the smaller p-value.
    p = found.p_values["insertion"]
    assert p["saliency"] == 1 and p["deeplift"] == pytest.approx(2 * 2 / 2**10)
    expected = scipy.stats.wilcoxon(scores["insertion"]["saliency"] - third, zero_method="zsplit").pvalue
    assert p["gradient_x_input"] == pytest.approx(max(expected, p["deeplift"]))
    assert [s.best_by for s in found.standings] == [("insertion",), (), ()]


def test_lower_is_better_by_some_metrics():
    scores = {"deletion": {"deeplift": np.arange(10.0), "saliency": np.arange(10.0) + 1}}
    explanations = _explanations("deeplift", "saliency")
    assert [s.method for s in _summary(explanations, scores, {"deletion": "lower"}).standings] == [
        "deeplift",
        "saliency",
    ]
    assert [s.method for s in _summary(explanations, scores).standings] == ["saliency", "deeplift"]


def test_equal_methods_share_everything():
    scores = {"insertion": {"deeplift": np.ones(8), "saliency": np.ones(8)}}
    found = _summary(_explanations("deeplift", "saliency"), scores)
    assert [(s.rank, s.best_by) for s in found.standings] == [(1.5, ("insertion",))] * 2


def test_examples_and_metrics_without_a_score_are_left_out():
    undefined = np.array([1.0, np.nan, 3.0, 4.0, 5.0, 6.0, 7.0])
    scores = {
        "insertion": {"deeplift": np.arange(7.0), "saliency": undefined},
        "completeness": {"deeplift": np.zeros(7)},
    }
    found = _summary(_explanations("deeplift", "saliency"), scores)
    assert {s.method: s.rank for s in found.standings} == {"saliency": 1, "deeplift": 2}
    assert any("leave out completeness" in warning for warning in found.warnings)
    none = _summary(_explanations("deeplift", "saliency"), {"completeness": {"deeplift": np.zeros(7)}})
    assert all(np.isnan(s.rank) for s in none.standings)
    assert "–" in str(none)


def test_of_few_examples_nothing_is_told_apart():
    scores = {"insertion": {"deeplift": np.arange(5.0), "saliency": np.arange(5.0) + 9}}
    found = _summary(_explanations("deeplift", "saliency"), scores)
    assert [s.best_by for s in found.standings] == [("insertion",)] * 2
    assert any("fewer than 6 examples" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda e: {"outputs": e.outputs * 0 + 1, "baseline_outputs": e.outputs * 0 + 0.9}, "is not neutral"),
        (lambda e: {"completeness_gap": e.outputs + 10}, "does not add up"),
    ],
)
def test_warnings_of_an_explanation(change, words):
    explanations = _explanations("deeplift", "gradient_x_input")
    e = explanations["deeplift"]
    explanations["deeplift"] = dataclasses.replace(e, **change(e))
    found = _summary(explanations, {"insertion": {name: np.arange(7.0) for name in explanations}})
    (warning,) = [warning for warning in found.warnings if words in warning]
    assert warning.startswith("deeplift")


def test_warnings_of_methods_that_hardly_see_the_model():
    scores = {"randomisation": {"deeplift": np.full(8, 0.1), "guided_backprop": np.full(8, 0.9)}}
    found = _summary(_explanations("deeplift", "guided_backprop"), scores, {"randomisation": "lower"})
    about = [warning for warning in found.warnings if warning.startswith("guided_backprop")]
    assert len(about) == 2 and any("0.90" in warning for warning in about)
    assert not any(warning.startswith("deeplift hardly") for warning in found.warnings)


def test_a_comparison_has_one(monkeypatch):
    model = filled(keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(2)]))
    methods = ["deeplift", "integrated_gradients", "saliency"]
    compared = dx.compare(model, _X, methods=methods, metrics=["insertion", "completeness"], target=1, seed=0)
    found = compared.summary()
    assert {s.method for s in found.standings} == set(methods) == set(compared.seconds)
    assert all(s.seconds > 0 for s in found.standings)
    assert {s.method: s.cost for s in found.standings}["integrated_gradients"] == "64 gradients of the model"
    header, _, *rows = str(found).splitlines()
    assert header.split()[:3] == ["method", "mean", "rank"]
    assert [row.split()[0] for row in rows[:3]] == [s.method for s in found.standings]
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    message_of(compared.summary, DeepExplainError, "pip install 'deepexplain_tf[stats]'")


def test_one_method_has_no_rank():
    compared = dx.compare(mlp(), _X, methods="deeplift", metrics="completeness", target=1, seed=0)
    message_of(compared.summary, InputError, "two or more methods")
