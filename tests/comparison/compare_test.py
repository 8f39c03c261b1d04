"""Tests of `dx.compare`: its numbers are those of the metrics called by hand, on functions of the model's own."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.comparison import METRICS
from deepexplain_tf.metrics.evaluation import Evaluation
from tests.models import filled

X = np.random.default_rng(0).normal(size=(5, 4, 4, 1))
START = np.random.default_rng(1).normal(size=(4, 4, 1)) * 0.3
CHEAP = {"n": [1, 5], "subsets": 12}
OPTIONS = {
    "sensitivity_n": CHEAP,
    "completeness": {},
    "infidelity": {"n_samples": 9},
    "max_sensitivity": {"n_samples": 2},
    "deletion": {"steps": 4},
    "insertion": {"steps": 4},
}


def picture_model():
    layers = keras.layers
    with_weights = [
        layers.Conv2D(3, 3, activation="relu", dtype="float64"),
        layers.Flatten(dtype="float64"),
        layers.Dense(3, "softmax", dtype="float64"),
    ]
    return filled(keras.Sequential([keras.Input((4, 4, 1), dtype="float64"), *with_weights]))


def logit_of(model, classes):
    """The logit before the softmax, written out."""
    conv, flatten, dense = model.layers

    def fn(x, example):
        return tf.gather(flatten(conv(x)) @ dense.kernel + dense.bias, tf.gather(classes, example), batch_dims=1)

    return fn


def same(found, expected, rtol=1e-9):
    assert type(found) is type(expected)
    for field in dataclasses.fields(expected):
        own, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(other, np.ndarray):
            np.testing.assert_allclose(own, other, rtol=rtol, atol=1e-12)
        else:
            assert own == other


@pytest.fixture(scope="module")
def model():
    return picture_model()


@pytest.fixture(scope="module")
def compared(model):
    methods = ["deeplift", "saliency", ("integrated_gradients", {"n_steps": 5})]
    metrics = list(OPTIONS.items())
    return dx.compare(model, X, methods=methods, metrics=metrics, baseline=START, seed=3)


@pytest.fixture(scope="module")
def by_hand(model):
    """What is explained, as a function; and an explainer and an explanation for each method."""
    classes = model.predict(X, verbose=0).argmax(1)
    with dx.DeepExplain(model) as de:
        explainers = {
            "deeplift": de.explainer("deeplift", baseline=START, target=classes),
            "saliency": de.explainer("saliency", target=classes),
            "integrated_gradients": de.explainer("integrated_gradients", baseline=START, n_steps=5, target=classes),
        }
    return logit_of(model, classes), explainers, {label: explainer(X) for label, explainer in explainers.items()}


@pytest.mark.parametrize("metric", OPTIONS)
def test_numbers_are_those_of_the_metrics(by_hand, compared, metric):
    fn, *parts = by_hand
    explainers, explanations = (dict(part) for part in parts)
    function, options = dx.metrics.METRICS[metric].function, dict(OPTIONS[metric])
    if metric in ("completeness", "infidelity"):
        del explanations["saliency"]
    if metric in ("sensitivity_n", "infidelity", "max_sensitivity"):
        options["seed"] = 3
    if metric == "max_sensitivity":
        expected = function(explainers, X, **options)
    else:
        options |= {"baseline": START, **({"perturb": "removal"} if metric == "infidelity" else {})}
        expected = function(fn, X, explanations, **options)
    assert list(compared.scores[metric]) == list(explanations)
    for label, score in expected.items():
        same(compared.scores[metric][label], score)


def test_one_number_of_each_metric(compared):
    rows = {(row.method, row.metric): row for row in compared.rows}
    curve = compared.scores["sensitivity_n"]["deeplift"]
    assert rows["deeplift", "sensitivity_n"].mean == pytest.approx(curve.per_example.mean(), rel=1e-12)
    completeness = compared.scores["completeness"]["integrated_gradients"]
    relative = np.abs(completeness.per_example).sum() / np.abs(completeness.change).sum()
    assert rows["integrated_gradients", "completeness"].mean == pytest.approx(relative, rel=1e-9)
    for metric in ("max_sensitivity", "deletion", "insertion", "infidelity"):
        row, score = rows["deeplift", metric], compared.scores[metric]["deeplift"]
        assert row.mean == score.per_example.mean()
        np.testing.assert_array_equal([row.low, row.high], score.interval)
        assert row.examples == 5


def test_what_does_not_fit_says_why(compared):
    rows = {(row.method, row.metric): row for row in compared.rows}
    for metric in ("completeness", "infidelity"):
        assert "per unit of the input" in rows["saliency", metric].reason
        assert np.isnan(rows["saliency", metric].mean)
        assert rows["deeplift", metric].reason == ""


def test_a_method_that_cannot_explain_says_why_and_others_go_on():
    tokens = np.random.default_rng(0).integers(1, 5, (3, 4))
    layers = [keras.Input((4,), dtype="int32"), keras.layers.Embedding(5, 2, name="words"), keras.layers.Flatten()]
    model = filled(keras.Sequential([*layers, keras.layers.Dense(1)]))
    metrics = [("sensitivity_n", {"n": 2, "subsets": 5}), "max_sensitivity"]
    found = dx.compare(model, tokens, methods=["deeplift", "occlusion"], metrics=metrics)
    rows = {(row.method, row.metric): row for row in found.rows}
    assert "layer=" in rows["deeplift", "sensitivity_n"].reason
    assert rows["occlusion", "sensitivity_n"].reason == ""
    assert "inputs must be floats" in rows["occlusion", "max_sensitivity"].reason
    assert list(found.explanations) == ["occlusion"]
    text = str(found)
    assert "– deeplift: inputs must be floats" in text
    assert "– occlusion by max_sensitivity: " in text


def test_attributions_that_are_not_finite_say_so():
    options = {"window_shape": (1,), "strides": (3,)}  # which leaves features out
    found = dx.compare(
        lambda x: tf.reduce_sum(x**2, 1),
        X[:, :, 0, 0],
        methods=["deeplift", ("occlusion", options)],
        metrics="deletion",
    )
    assert "must be finite" in found.reasons["deletion"]["occlusion"]
    assert list(found.scores["deletion"]) == ["deeplift"]


def test_a_layer_and_other_inputs():
    """What is removed is the layer's output; the mask stays as it is in each example."""
    words, keep = keras.Input((3,), dtype="int32", name="words"), keras.Input((3,), name="keep")
    embedded = keras.layers.Embedding(6, 2, name="embedding")(words)
    kept = keras.layers.Multiply()([embedded, keras.layers.Reshape((3, 1))(keep)])
    output = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Activation("tanh")(kept)))
    model = filled(keras.Model({"words": words, "keep": keep}, output))
    random = np.random.default_rng(0)
    x = {"words": random.integers(0, 6, (4, 3)), "keep": random.integers(0, 2, (4, 3)).astype(np.float32)}
    found = dx.compare(
        model,
        x,
        layer="embedding",
        target=1,
        methods="deeplift",
        groups="positions",
        metrics=[("insertion", {"steps": 3})],
    )
    table, dense = model.get_layer("embedding").embeddings.numpy(), model.layers[-1]
    values = table[x["words"]]

    def fn(values, example):
        hidden = tf.tanh(values * tf.gather(x["keep"], example)[:, :, tf.newaxis])
        return (tf.reshape(hidden, [-1, 6]) @ dense.kernel + dense.bias)[:, 1]

    with dx.DeepExplain(model, layer="embedding") as de:
        explanation = de.explain("deeplift", x, target=1)
    expected = dx.metrics.insertion(fn, values, explanation, groups="positions", steps=3)
    same(found.scores["insertion"]["deeplift"], expected, 1e-5)


def test_values_that_a_group_shares_are_divided():
    """Of a group, and of a window of `occlusion`; on an additive model they are exact, or nearly."""
    x = X[:, :, :, 0]
    groups = np.array([[0, 0, 1, 1]] * 4)
    methods = {
        "shapley": ("shapley_sampling", {"groups": groups}),
        "kernel": ("kernel_shap", {"groups": groups}),
        "groups": ("occlusion", {"groups": groups}),
        "rise": ("rise", {"groups": groups, "probability": 0.3}),
        "lime": ("lime", {"groups": groups}),
        "windows": ("occlusion", {"window_shape": (4, 2), "strides": (4, 2)}),
    }
    found = dx.compare(
        lambda x: tf.reduce_sum(x**2, [1, 2]),
        x,
        methods=methods,
        groups=groups,
        metrics=["completeness", "infidelity"],
        seed=0,
    )
    for row in found.rows:
        assert row.mean < (0.1 if row.method in ("rise", "lime") else 1e-12), row


def test_a_fixed_batch():
    inputs = keras.Input(batch_shape=(2, 4), dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs**3, 1, keepdims=True))
    x = X[:, :, 0, 0]
    found = dx.compare(
        model, x, methods="gradient_x_input", metrics=["deletion", ("sensitivity_n", CHEAP | {"n": 2})], seed=0
    )
    expected = dx.metrics.deletion(lambda x: tf.reduce_sum(x**3, 1), x, 3 * x**3)
    same(found.scores["deletion"]["gradient_x_input"], expected)


def test_randomisation(model):
    found = dx.compare(model, X[:2], methods=["saliency", "guided_backprop"], metrics="randomisation", target=1, seed=5)

    def explain(copy, x):
        with dx.DeepExplain(copy) as de:
            return de.explain("saliency", x, target=1)

    score = found.scores["randomisation"]["saliency"]
    same(score, dx.metrics.randomisation(explain, model, X[:2], seed=5))
    assert found.rows[0].mean == np.abs(score.per_example[:, -1]).mean()


def test_the_model_is_asked_once_for_all_methods(monkeypatch):
    asked = []
    original = Evaluation.__call__

    def counted(self, count, *arguments, **options):
        asked.append(count)
        return original(self, count, *arguments, **options)

    monkeypatch.setattr(Evaluation, "__call__", counted)
    options = {
        "methods": ["saliency", "gradient_x_input", "deeplift"],
        "metrics": [("sensitivity_n", CHEAP | {"n": 2})],
    }
    dx.compare(lambda x: tf.reduce_sum(x**2, 1), X[:, :, 0, 0], **options)
    assert asked == [1 + CHEAP["subsets"]]


def test_one_array_for_an_input_that_has_a_name():
    fn = tf.function(lambda x: tf.reduce_sum(x**2, 1))
    options = {"methods": "gradient_x_input", "metrics": ["deletion", "max_sensitivity"], "seed": 0}
    x = X[:, :, 0, 0]
    named = dx.compare(fn.get_concrete_function(x=tf.TensorSpec([None, 4], x.dtype)), x, **options)
    for name, scores in dx.compare(fn, x, **options).scores.items():
        same(named.scores[name]["gradient_x_input"], scores["gradient_x_input"])


def test_randomisation_of_what_is_no_keras_model_is_told():
    fn = lambda x: tf.reduce_sum(x**2, 1)  # noqa: E731
    found = dx.compare(fn, X[:, :, 0, 0], methods="saliency", metrics=["deletion", "randomisation"])
    assert "the metric takes a Keras model or its file. Got function" in str(found)
    assert list(found.scores["deletion"]) == ["saliency"]


def test_randomisation_of_a_file(model, tmp_path):
    model.save(tmp_path / "net.keras")
    options = {"methods": "saliency", "metrics": "randomisation", "target": 1, "seed": 5}
    found, expected = dx.compare(tmp_path / "net.keras", X[:2], **options), dx.compare(model, X[:2], **options)
    same(found.scores["randomisation"]["saliency"], expected.scores["randomisation"]["saliency"])


def test_a_seed_is_drawn_and_reported():
    fn = lambda x: tf.reduce_sum(x**2 * tf.roll(x, 1, 1), 1)  # noqa: E731
    options = {"methods": "gradient_x_input", "metrics": [("sensitivity_n", CHEAP | {"n": 2})]}
    found = dx.compare(fn, X[:, :, 0, 0], **options)
    again = dx.compare(fn, X[:, :, 0, 0], **options, seed=found.provenance["seed"])
    same(again.scores["sensitivity_n"]["gradient_x_input"], found.scores["sensitivity_n"]["gradient_x_input"])


def test_defaults_are_metrics():
    assert set(METRICS) <= set(dx.list_metrics()) - {"randomisation"}  # which changes the model
