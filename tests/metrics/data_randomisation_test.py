"""Tests of `metrics/data_randomisation.py`."""

import keras
import numpy as np
import pytest
import scipy.stats

import deepexplain_tf as dx
from deepexplain_tf.metrics import data_randomisation

X = np.random.default_rng(0).normal(size=(3, 6))


@pytest.mark.parametrize("absolute", [False, True])
def test_equals_its_definition(absolute):
    """`model` and `permuted` may be anything that `explain` takes: here what the attributions are."""
    one, other = np.random.default_rng(1).integers(-3, 4, (2, 3, 6)).astype(float)
    found = data_randomisation(lambda model, x: model + 0 * x, one, X, permuted=other, absolute=absolute)
    sign = np.abs if absolute else np.asarray
    expected = [scipy.stats.spearmanr(*pair).statistic for pair in zip(sign(one), sign(other), strict=True)]
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)
    np.testing.assert_allclose(found.summary.mean, np.abs(expected).mean())


def test_known_scores():
    """What looks at the inputs alone stays; the opposite ranks have −1, which is as alike; constants have no score."""
    explainers = {"input": lambda sign, x: x, "signed": lambda sign, x: sign * x, "none": lambda sign, x: 0 * x}
    found = data_randomisation(explainers, 1, X, permuted=-1)
    np.testing.assert_allclose(found["input"].per_example, 1)
    np.testing.assert_allclose(found["signed"].per_example, -1)
    assert found["signed"].summary.mean == pytest.approx(1)
    assert np.isnan(found["none"].per_example).all()


@pytest.mark.parametrize("similarity", ["ssim", "hog"])
def test_of_pictures(similarity):
    pictures = np.random.default_rng(2).normal(size=(2, 12, 14, 3))
    explainers = {"input": lambda model, x: x, "shifted": lambda shift, x: np.roll(x, shift, axis=2)}
    found = data_randomisation(explainers, 0, pictures, permuted=5, similarity=similarity)
    np.testing.assert_allclose(found["input"].per_example, 1, rtol=1e-6)
    assert (np.abs(found["shifted"].per_example) < 0.7).all()


def test_models_that_learned():
    """A model of labels, and one of the same labels permuted: their gradients differ, with the same structure."""

    def trained(labels):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
        model.set_weights([np.linalg.lstsq(X, labels, rcond=None)[0], np.zeros(1)])
        return model

    def gradient(model, x):
        with dx.DeepExplain(model) as de:
            return de.explain("gradient_x_input", x)

    labels = np.array([[0.0], [1.0], [4.0]])
    models = [trained(labels), trained(labels[[1, 2, 0]])]
    found = data_randomisation(gradient, models[0], X.astype(np.float32), permuted=models[1])
    parts = [x * model.get_weights()[0][:, 0] for model in models for x in X]
    expected = [scipy.stats.spearmanr(parts[row], parts[row + 3]).statistic for row in range(3)]
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-6)
    assert (np.abs(found.per_example) < 0.95).all()
