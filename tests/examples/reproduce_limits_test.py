import inspect

import numpy as np
import pytest
import tensorflow as tf

from limits import baselines, explained, gradients, products, saturation, strengths
from limits.topic import FUNCTIONS, NETS, Example, Topic, block
from reproduce_limits import EXAMPLES, EXPERIMENT, TOPICS

_LONGEST = 15  # lines of an example


def test_every_example_is_short_and_has_words_and_one_limit():
    assert [example.name[0] for example in EXAMPLES] == sorted(example.name[0] for example in EXAMPLES)
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES) == len(EXPERIMENT.findings)
    for example in EXAMPLES:
        assert len(inspect.getsource(example.run).splitlines()) <= _LONGEST, example.name
        assert example.words and example.statement and example.quantity
        assert (example.least is None) != (example.most is None)
        assert example.random == ("seed" in inspect.signature(example.run).parameters)
        assert example.finding.kinds == ((NETS,) if example.random else (FUNCTIONS,))
    for topic in TOPICS:
        for shared in topic.shared:
            assert len(inspect.getsource(shared).splitlines()) <= _LONGEST, shared


def test_functions_are_what_they_are_called():
    x = np.array([[0.0, 0.0], [0.25, 0.5], [1.0, 1.0], [2.0, 3.0]])
    np.testing.assert_allclose(saturation.saturated(tf.constant(x)), np.minimum(x.sum(1), 1))
    np.testing.assert_allclose(products.product(x), x.prod(1))
    np.testing.assert_allclose(products.gate(x), np.tanh(x[:, 1]) / (1 + np.exp(-x[:, 0])))
    pictures = tf.constant(np.stack([baselines.STROKE.astype(float), baselines.WHITE, 0 * baselines.WHITE]))
    np.testing.assert_array_equal(baselines.dark_stroke(pictures), [3, 0, 0])


def test_random_networks_are_what_numpy_computes():
    x = np.random.default_rng(5).normal(size=(3, 16))
    generator = np.random.default_rng(2)
    weights = [generator.normal(size=shape) * (2 / shape[0]) ** 0.5 for shape in ((16, 64), (64, 64))]
    biases, last = generator.normal(size=(2, 64)) / 4, generator.normal(size=64) / 8
    hidden = np.maximum(np.maximum(x @ weights[0] + biases[0], 0) @ weights[1] + biases[1], 0)
    np.testing.assert_allclose(explained.random_network(2, 2)(tf.constant(x)), hidden @ last, rtol=1e-12)


@pytest.mark.parametrize(("name", "known"), [("1d", 1), ("2b", 0.5), ("5a", 0.5)])
def test_closed_forms(name, known):
    (example,) = [example for example in EXAMPLES if example.name == name]
    assert example.run() == pytest.approx(known, abs=1e-12)
    assert example.finding.holds(example.run())


def test_shares_of_the_gate_are_its_shapley_values():
    opened, tanh = 1 / (1 + np.exp(-3)), np.tanh(1)
    share = (opened - 0.5) * tanh / 2  # that of x₁: alone it does nothing, since tanh(0) = 0
    for method in ("deeplift", "shapley_sampling"):
        found = explained.attributions(products.gate, [3, 1], method)
        np.testing.assert_allclose(found, [share, opened * tanh - share], rtol=1e-12)


def test_autocorrelation_is_that_of_numpy(monkeypatch):
    monkeypatch.setattr(gradients, "random_network", lambda seed, depth: lambda x: x[:, 0] ** 2)
    line = np.linspace(-2, 2, 256)  # the gradient 2x₁ is linear along any line, with a mean that is taken off
    known = (line[16:] * line[:-16]).mean() / (line**2).mean()
    assert gradients.autocorrelation.__wrapped__(0, 1, "saliency", signed=True) == pytest.approx(known, rel=1e-9)


def test_gaps_are_those_of_the_sums():
    options = {"n_steps": 1, "quadrature": "left"}  # the gradient of x² at 0 is 0: nothing of the change is there
    assert strengths.relative_gap(lambda x: x[:, 0] ** 2, "integrated_gradients", **options) == pytest.approx(1)
    assert strengths.relative_gap(lambda x: x[:, 0] ** 2, "deeplift") < 1e-12


def test_a_section_shows_source_numbers_and_advice():
    def one(seed: int) -> float:
        return 0.25 * seed

    example = Example("9a", "a statement", "a quantity", one, "Its words.", most=1, random=True)
    text = Topic("9. A title", "An introduction.", (example,), "An advice.", (products.half_sum,)).section(
        {"9a": [0.25, 0.5]}
    )
    assert "```python\nWHITE = np.ones((3, 3))\nSTROKE = " in baselines.TOPIC.section({f"1{x}": [0] for x in "abcd"})
    assert text.startswith("## 9. A title\n\nAn introduction.\n")
    assert block(products.half_sum) in text and block(one) in text
    assert "9a. `one(seed)` → **0.2500, 0.5000**. Its words.\n" in text
    assert text.endswith("**What to do.** An advice.\n")


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_runs_all_examples(quick_runs):
    made = quick_runs("reproduce_limits")
    for example in EXAMPLES:
        assert example.statement in made.printed
        assert f"{example.name}. `{example.run.__name__}(" in made.page
    assert f"]({made.file('.png').name})" in made.page
