"""Tests of `methods/kernel_shap.py`."""

import math

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.make import make
from tests import references as ref
from tests.checks import explain, message_of

_LAYERS = {n: ref.random_network(n, [n, 6, 2], "tanh", scale=2.0) for n in (1, 2, 5, 8)}


def _exact(n, x, baseline, players=None):
    players = np.arange(n) if players is None else players
    return ref.shapley(lambda x: ref.forward(_LAYERS[n], x)[:, 1], [x], [baseline], [players])


def _drawn(n, n_samples, seed=0):
    """Returns the coalitions of n players and their weights."""
    data = make("kernel_shap", {"n_samples": n_samples}).data(Layout(0, ((n,),), seed))
    return data["coalitions"], data["weights"]


@pytest.fixture(scope="module")
def eight():
    """An explainer of an 8-player net, compiled once, an input and baseline, and the exact values."""
    x, baseline = ref.numbers(0, (2, 8), 8)
    with dx.DeepExplain(ref.in_tensorflow(_LAYERS[8])) as de:
        return de.explainer("kernel_shap", target=1, baseline=baseline), x, baseline, _exact(8, x, baseline)


@pytest.mark.parametrize(("n", "n_samples"), [(1, 2), (2, 4), (5, 32), (8, 256)])
def test_all_coalitions_give_the_shapley_values(n, n_samples):
    x, baseline = ref.numbers(0, (3, n), n)
    e = explain(ref.in_tensorflow(_LAYERS[n]), "kernel_shap", x, target=1, baseline=baseline, n_samples=n_samples)
    np.testing.assert_allclose(e.attributions, _exact(n, x, baseline), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize("n_samples", [16, 30, 64, 130, 254])
def test_fewer_coalitions_are_a_constrained_regression(eight, n_samples):
    """The same minimum by Lagrange's multiplier, in NumPy; 254 of the 256 coalitions are all that count."""
    explainer, x, baseline, exact = eight
    e = explainer(x, n_samples=n_samples, seed=3)
    z, weights = _drawn(8, n_samples, 3)
    wide = np.block([[z.T @ (weights[:, None] * z), np.ones((8, 1))], [np.ones((1, 8)), 0]])
    for row, found, out, start in zip(x, e.attributions, e.outputs, e.baseline_outputs, strict=True):
        values = ref.forward(_LAYERS[8], np.where(z, row, baseline))[:, 1] - start
        expected = np.linalg.solve(wide, [*(z.T @ (weights * values)), out - start])[:-1]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-12)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    if n_samples == 254:
        np.testing.assert_allclose(e.attributions, exact, rtol=1e-9, atol=1e-11)


def test_the_error_falls_with_the_number_of_coalitions(eight):
    explainer, x, _, exact = eight
    sizes = (32, 64, 128, 200)
    errors = [
        np.mean([np.abs(explainer(x, n_samples=n, seed=seed).attributions - exact).mean() for seed in range(6)])
        for n in sizes
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.4 * errors[0]


@pytest.mark.parametrize(("n", "n_samples"), [(8, 16), (8, 60), (8, 128), (9, 18), (9, 300), (40, 200)])
def test_coalitions_are_pairs_under_the_kernel(n, n_samples):
    z, weights = _drawn(n, n_samples)
    assert len(z) == n_samples == len(weights)
    sizes = z.sum(1)
    assert sizes.min() == 1 and sizes.max() == n - 1
    assert len(np.unique(z[sizes == 1], axis=0)) == n
    reverse = {tuple(row): weight for row, weight in zip(~z, weights, strict=True)}
    assert all(reverse[tuple(row)] == weight for row, weight in zip(z, weights, strict=True))
    kernel = np.array([1 / (k * (n - k)) for k in range(1, n)])  # of all coalitions of a size together
    total = np.bincount(sizes, weights, minlength=n)[1:]
    np.testing.assert_allclose(total[0], kernel[0], rtol=1e-12)
    if n_samples > 2 * n:
        np.testing.assert_allclose(total.sum(), kernel.sum(), rtol=1e-12)


def test_all_sizes_that_fit_are_enumerated():
    z, weights = _drawn(8, 254)
    assert len(np.unique(z, axis=0)) == 254
    size = z.sum(1)
    np.testing.assert_allclose(weights, [1 / (math.comb(8, k) * k * (8 - k)) for k in size], rtol=1e-12)


def test_members_of_a_group_carry_its_value():
    a, b = ref.numbers(0, (2, 3), (2, 5))

    def model(a, b):
        return ref.in_tensorflow(_LAYERS[8])(tf.concat([a, b], 1))

    ids = [np.array([0, 1, 1]), np.array([1, 2, -7, -7, 2])]
    joined = np.unique(np.concatenate(ids), return_inverse=True)[1]
    exact = _exact(8, np.hstack([a, b]), np.zeros(8), joined)[:, joined]
    e = explain(model, "kernel_shap", [a, b], target=1, groups=ids)
    np.testing.assert_allclose(np.hstack(e.attributions), exact, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_a_linear_model_in_float32():
    x, weights = (array.astype(np.float32) for array in ref.numbers(1, (3, 12), 12))
    e = explain(lambda x: tf.linalg.matvec(x, weights) + 3, "kernel_shap", x, n_samples=40, baseline=0.5, seed=0)
    np.testing.assert_allclose(e.attributions, weights * (x - 0.5), atol=1e-5)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-5)
    assert e.attributions.dtype == np.float32


def test_too_many_players():
    x = np.ones((1, 40, 40), np.float32)
    call = lambda: explain(lambda x: tf.reduce_sum(x, [1, 2]), "kernel_shap", x)  # noqa: E731
    message_of(call, dx.DeepExplainError, "n_samples must be at least 3200", "groups=", "Got 2048")
