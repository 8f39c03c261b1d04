import ast
import dataclasses
import pathlib
import re

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, UnknownNameError
from deepexplain_tf.methods.base import METHODS
from tests.checks import STEPPING, explain, message_of

_TABLE = (pathlib.Path(__file__).parents[2] / "docs" / "choosing.md").read_text("utf-8")
_ROWS = [re.split(r"(?<!\\)\|", line)[1:-1] for line in _TABLE.splitlines() if re.match(r"\| `\w+`.* \|$", line)]


@pytest.mark.parametrize("method", dx.list_methods())
def test_every_method_is_fully_described(method):
    found = dx.describe(method)
    assert (found.name, found.family) == (method, "method")
    assert len(found.formula) > 10
    assert found.paragraphs
    assert re.search(r"https://\S+", found.references)
    fields = {field.name: field.default for field in dataclasses.fields(METHODS[method])}
    assert {option.name: option.default for option in found.options} == fields
    page = " ".join(str(found).split())
    for option in found.options:
        assert re.fullmatch(r"\w+( \| \w+)*", option.type)
        assert len(option.meaning) > 15
        assert not re.search(r"see `\w*[A-Z]", option.meaning)  # a class that users do not know
        assert f"{option.name}: {option.type} = {option.default!r} {option.meaning}" in page
    assert max(map(len, str(found).splitlines())) <= 100


@pytest.mark.parametrize("method", dx.list_methods())
def test_the_table_of_the_documentation_says_the_same(method):
    ((names, _, complete, options),) = [row for row in _ROWS if len(row) == 4 and f"`{method}`" in row[0]]
    found = dx.describe(method)
    assert (found.complete or found.conserves) == bool(complete.strip())
    assert found.insensitive == (f"`{method}` †" in names)
    defaults = {option.name: option.default for option in found.options}
    for name, default in re.findall(r"`(\w+)=([^`]+)`", options):
        assert defaults[name] in (None, ast.literal_eval(default))


@pytest.mark.parametrize("method", STEPPING)
def test_the_cost_is_that_of_a_call(method):
    found = dx.describe(method)
    e = explain(lambda x: x[:, 0] ** 2, method, np.ones((1, 2), np.float32))
    assert found.evaluations in (None, e.n_steps)
    assert found.cost.startswith(f"{e.n_steps} gradients")


def test_what_a_method_takes_and_costs():
    facts = {name: dx.describe(name).facts for name in dx.list_methods()}
    assert facts["deeplift"]["takes"] == "baseline= or background="
    assert facts["deeplift"]["cost"] == "one forward and one backward pass, for each baseline"
    assert facts["expected_gradients"]["takes"] == "background="
    assert facts["saliency"]["takes"] == "no baseline"
    assert facts["lime"]["cost"] == "1,000 evaluations of the model, in a loop over chunks"
    assert "tolerance=" in facts["blur_ig"]["export"]
    assert "caution" in facts["guided_backprop"]


def test_a_name_may_be_an_alias():
    found = dx.describe("ig")
    assert found == dx.describe("integrated_gradients")
    assert found.aliases == ("intgrad", "ig")
    assert "intgrad, ig" in str(found)


@pytest.mark.parametrize("metric", dx.list_metrics())
def test_every_metric_is_described(metric):
    found = dx.describe(metric)
    assert found.family == "metric"
    assert found.facts["better"] in found.better in ("higher", "lower")
    assert found.references
    assert all(option.meaning and not option.meaning.startswith("see `") for option in found.options)


@pytest.mark.parametrize("rule", dx.list_rules())
def test_every_rule_is_described(rule):
    found = dx.describe(rule, "rule")
    assert found.family == "rule"
    assert len(found.formula) > 10
    assert all(option.meaning in " ".join(str(found).split()) for option in found.options)


def test_options_of_a_rule_and_of_a_metric():
    assert [(option.name, option.default) for option in dx.describe("gamma").options] == [
        ("gamma", 0.25),
        ("epsilon", 1e-6),
    ]
    assert "  epsilon: float\n" in str(dx.describe("modified_gradient"))
    assert [option.name for option in dx.describe("deletion").options] == ["steps", "baseline", "groups", "chunk_size"]
    masks, tolerance = dx.describe("pointing_game").options
    assert (tolerance.name, tolerance.default) == ("tolerance", 0)
    assert masks.meaning.startswith("where the examples should be relevant")
    assert "  masks: Any\n" in str(dx.describe("relevance_mass_accuracy"))


def test_a_method_goes_before_a_rule_of_its_name():
    assert dx.describe("deconvnet").family == "method"
    assert dx.describe("deconvnet", "rule").family == "rule"


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("deeplfit",), UnknownNameError, "unknown method, metric or rule 'deeplfit'; closest: 'deeplift'."),
        (("zzz",), UnknownNameError, "known: 'blur_ig'"),
        (("saliency", "metric"), UnknownNameError, "unknown metric 'saliency'"),
        (("saliency", "layer"), OptionError, "family must be 'method', 'metric', 'rule' or None. Got 'layer'."),
        ((3,), TypeError, "a method is given by its name, a string. Got int."),
    ],
)
def test_unknown_names(arguments, kind, words):
    message_of(lambda: dx.describe(*arguments), kind, words)
