"""Tests of `dx.compare` with metrics that take options of their own: masks, another model, an order, probabilities."""

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import filled

X = np.random.default_rng(0).normal(size=(5, 4, 4, 1))


@pytest.fixture(scope="module")
def model():
    dense = [keras.layers.Flatten(dtype="float64"), keras.layers.Dense(3, "softmax", dtype="float64")]
    conv = keras.layers.Conv2D(3, 3, activation="relu", dtype="float64")
    return filled(keras.Sequential([keras.Input((4, 4, 1), dtype="float64"), conv, *dense]))


def test_an_option_may_reverse_which_score_is_better():
    options = {"steps": 2}
    metrics = {"most": ("pixel_flipping", options), "least": ("pixel_flipping", {**options, "order": "lerf"})}
    found = dx.compare(lambda x: tf.reduce_sum(x**2, 1), X[:, :, 0, 0], methods="deeplift", metrics=metrics, seed=0)
    assert found.better == {"most": "higher", "least": "lower"}
    assert found.provenance["metrics"]["least"]["better"] == "lower"


def test_probabilities_are_those_of_the_model_s_output(model):
    options = {"methods": "gradient_x_input", "metrics": "average_drop", "target": 1}
    assert "must return probabilities" in dx.compare(model, X, **options).reasons["average_drop"]["gradient_x_input"]
    found = dx.compare(model, X, output="model", **options)
    explanation = found.explanations["gradient_x_input"]
    expected = dx.metrics.average_drop(lambda x: model(x)[:, 1], X, explanation)
    np.testing.assert_allclose(found.scores["average_drop"]["gradient_x_input"].per_example, expected.per_example)


def test_masks_are_an_option_in_the_structure_of_the_inputs():
    x = {"b": X[:, :, :, 0], "a": X[:, 0, :, 0]}
    masks = {"a": x["a"] > 0, "b": x["b"] > 0.5}
    fn = lambda a, b: tf.reduce_sum(a**2, 1) + tf.reduce_sum(b**3, [1, 2])  # noqa: E731
    metrics = [("relevance_mass_accuracy", {"masks": masks}), ("pointing_game", {"masks": masks, "tolerance": 1})]
    found = dx.compare(fn, x, methods="gradient_x_input", metrics=metrics)
    explanation = found.explanations["gradient_x_input"]
    for name, options in metrics:
        expected = dx.metrics.METRICS[name].function(x, explanation, **options)
        np.testing.assert_allclose(found.scores[name]["gradient_x_input"].per_example, expected.per_example)
    assert "sha256" in found.provenance["metrics"]["pointing_game"]["options"]["masks"]["b"]


def test_data_randomisation(model):
    permuted = keras.models.clone_model(model)
    permuted.set_weights([weight[::-1] for weight in model.get_weights()])
    metrics = ("data_randomisation", {"permuted": permuted})
    found = dx.compare(model, X[:2], methods=["saliency", "deeplift"], metrics=metrics, target=1, baseline=0.2)
    pair = []
    for one in (model, permuted):
        with dx.DeepExplain(one) as de:
            pair.append(de.explain("deeplift", X[:2], target=1, baseline=0.2).attributions)
    expected = [scipy.stats.spearmanr(*map(np.ravel, sides)).statistic for sides in zip(*pair, strict=True)]
    np.testing.assert_allclose(found.scores["data_randomisation"]["deeplift"].per_example, expected, rtol=1e-9)
    assert found.rows[1].mean == pytest.approx(np.mean(np.abs(expected)))


def test_a_metric_of_the_attributions_alone_is_scored():
    found = dx.compare(lambda x: tf.reduce_sum(x**2, 1), X[:, :, 0, 0], methods="deeplift", metrics=["sparseness"])
    expected = dx.metrics.sparseness(X[:, :, 0, 0], X[:, :, 0, 0] ** 2)
    np.testing.assert_allclose(found.scores["sparseness"]["deeplift"].per_example, expected.per_example)
