"""Tests of `methods/lime.py`."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.make import make
from tests import references as ref
from tests.checks import explain

_LAYERS = ref.random_network(1, [7, 6, 2], "tanh", scale=2.0)
_X, _X0 = ref.numbers(2, (3, 7), 7)
_GROUPS = np.array([4, -1, 4, 0, 0, 9, 4])


@pytest.fixture(scope="module")
def explainer():
    with dx.DeepExplain(ref.in_tensorflow(_LAYERS)) as de:
        return de.explainer("lime", target=1, baseline=_X0, seed=5)


def _by_scikit_learn(coalitions, players, kernel_width=0.25, alpha=1.0):
    """Returns LIME's coefficients as the package `lime` fits them, for each example."""
    distance = pairwise_distances(coalitions, np.ones_like(coalitions[:1]), metric="cosine")[:, 0]
    weights = np.sqrt(np.exp(-(distance**2) / kernel_width**2))
    found = []
    for row in _X:
        values = ref.forward(_LAYERS, np.where(coalitions[:, players], row, _X0))[:, 1]
        ridge = Ridge(alpha=alpha, fit_intercept=True)
        found.append(ridge.fit(coalitions, values, sample_weight=weights).coef_[players])
    return np.array(found)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel_width": 0.6, "alpha": 0.01},
        {"n_samples": 5},  # fewer than players
        {"groups": _GROUPS, "n_samples": 50},
    ],
    ids=str,
)
def test_coefficients_are_those_of_scikit_learn(explainer, options):
    coalitions = make("lime", options).data(Layout(0, ((7,),), 5))["coalitions"]
    players = np.unique(options.get("groups", np.arange(7)), return_inverse=True)[1]
    assert coalitions.shape == (options.get("n_samples", 1000), players.max() + 1)
    assert coalitions[0].all()
    e = explainer(_X, **options)
    settings = {name: options[name] for name in ("kernel_width", "alpha") if name in options}
    np.testing.assert_allclose(e.attributions, _by_scikit_learn(coalitions, players, **settings), rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(e.outputs, ref.forward(_LAYERS, _X)[:, 1], rtol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(_LAYERS, _X0[None])[0, 1] * np.ones(3), rtol=1e-12)
    assert e.completeness_gap is None and e.standard_error is None


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_linear_model_has_its_own_coefficients(dtype):
    x, weights = (array.astype(dtype) for array in ref.numbers(1, (3, 12), 12))
    e = explain(lambda x: tf.linalg.matvec(x, weights) + 3, "lime", x, baseline=0.5, alpha=1e-6, seed=0)
    np.testing.assert_allclose(e.attributions, weights * (x - 0.5), atol=1e-5)


def test_the_seed_decides_and_chunks_do_not(explainer):
    first = explainer(_X, n_samples=40).attributions
    np.testing.assert_allclose(explainer(_X, n_samples=40, chunk_size=7, batch_size=2).attributions, first, rtol=1e-9)
    assert (explainer(_X, n_samples=40, seed=6).attributions != first).any()
