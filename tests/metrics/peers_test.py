"""Scores of other libraries, where their definition is ours: `pytest -m peers`, with these libraries installed.

The same network stands in TensorFlow and in PyTorch, in float64, and both sides get the same random numbers. Quantus is
given a model of its interface, so that it needs no PyTorch.
"""

import types

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import (
    average_drop,
    average_increase,
    complexity,
    deletion,
    draw_subsets,
    faithfulness_correlation,
    infidelity,
    local_lipschitz_estimate,
    max_sensitivity,
    monotonicity_correlation,
    mu_fidelity,
    pixel_flipping,
    pointing_game,
    relative_input_stability,
    relevance_mass_accuracy,
    relevance_rank_accuracy,
    sparseness,
)

pytestmark = [
    pytest.mark.peers,
    # Of the other libraries' own imports.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

GENERATOR = np.random.default_rng(0)
W, V = GENERATOR.normal(size=(5, 4)), GENERATOR.normal(size=4)
X, R = GENERATOR.normal(size=(2, 3, 5))
SAMPLES = 7


def in_tensorflow(x):
    return tf.linalg.matvec(tf.tanh(x @ W), V)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def in_torch(torch):
    return lambda x: torch.tanh(x @ torch.tensor(W)) @ torch.tensor(V)


@pytest.mark.parametrize("normalise", [False, True])
def test_infidelity_of_captum(torch, in_torch, normalise):
    captum = pytest.importorskip("captum.metrics")
    noise = GENERATOR.normal(size=(SAMPLES, 3, 5))

    def perturb_torch(x):
        assert len(x) == 3 * SAMPLES  # each example as often as there are samples, one after the other
        step = torch.tensor(noise.transpose(1, 0, 2).reshape(-1, 5))
        return step, x - step

    steps = iter(noise)

    def perturb(x, generator):
        step = next(steps)
        return step, x - step

    theirs = captum.infidelity(
        in_torch, perturb_torch, torch.tensor(X), torch.tensor(R), n_perturb_samples=SAMPLES, normalize=normalise
    )
    ours = infidelity(in_tensorflow, X, R, perturb=perturb, n_samples=SAMPLES, normalise=normalise)
    np.testing.assert_allclose(ours.per_example, theirs.numpy(), rtol=1e-12)


def test_sensitivity_max_of_captum(torch):
    captum = pytest.importorskip("captum.metrics")
    generator = np.random.default_rng(3)
    noise = np.stack([generator.uniform(-0.1, 0.1, X.shape) for _ in range(SAMPLES)])

    def perturb_torch(x, radius):
        return x + torch.tensor(noise.transpose(1, 0, 2).reshape(-1, 5))

    def explain_torch(x):
        return (torch.sin(x * torch.tensor(R[:1])),)

    theirs = captum.sensitivity_max(
        lambda x: explain_torch(x[0] if isinstance(x, tuple) else x),
        torch.tensor(X),
        perturb_func=perturb_torch,
        n_perturb_samples=SAMPLES,
    )
    ours = max_sensitivity(lambda x: np.sin(x * R[:1]), X, radius=0.1, n_samples=SAMPLES, seed=3)
    np.testing.assert_allclose(ours.per_example, theirs.numpy(), rtol=1e-12)


def of_quantus(name, given=(), fn=in_tensorflow, **options):
    """Returns the scores of a metric of Quantus for attributions R of X, or the `given` arrays."""
    quantus = pytest.importorskip("quantus")
    model = types.SimpleNamespace(
        shape_input=lambda x, *_, **__: x, predict=lambda x: np.asarray(fn(x.reshape(len(x), 5)))[:, np.newaxis]
    )
    metric = getattr(quantus, name)(normalise=False, disable_warnings=True, **options)
    batch = {"x_batch": X, "y_batch": np.zeros(3, int), "a_batch": R, **dict(given)}
    pictures = {k: v.reshape(3, 1, 1, 5).copy() if v.ndim > 1 else v for k, v in batch.items()}  # it writes into them
    found = metric.evaluate_batch(model=model, **pictures)
    return np.asarray(found, np.float64)


def test_pixel_flipping_of_quantus():
    """Its curve begins after the first removal; ties and steps are made not to matter."""
    theirs = of_quantus("PixelFlipping", features_in_step=1, perturb_baseline=0.0)
    np.testing.assert_allclose(deletion(in_tensorflow, X, R).curve[:, 1:], theirs, rtol=1e-9)


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_region_perturbation_of_quantus(order):
    """Of patches of one pixel."""
    theirs = of_quantus("RegionPerturbation", order=order, patch_size=1, regions_evaluation=4, perturb_baseline=0.0)
    ours = pixel_flipping(in_tensorflow, X, R, order=order, steps=4, replacement="baseline").curve
    np.testing.assert_allclose(ours[:, :1] - ours[:, 1:], theirs, rtol=1e-9)


def test_sparseness_and_complexity_of_quantus():
    absolute = {"a_batch": np.abs(R)}
    theirs = of_quantus("Sparseness", absolute)
    np.testing.assert_allclose(sparseness(X, R).per_example, theirs, rtol=1e-5)  # it adds 1e-7 to |R|
    theirs = of_quantus("Complexity", absolute)
    np.testing.assert_allclose(complexity(X, R).per_example, theirs, rtol=1e-9)


def test_faithfulness_correlation_of_quantus(monkeypatch):
    subsets = iter(draw_subsets(5, 2, SAMPLES, seed=0).repeat(3, axis=0))
    monkeypatch.setattr(np.random, "choice", lambda *_, **__: np.flatnonzero(next(subsets)))
    theirs = of_quantus("FaithfulnessCorrelation", nr_runs=SAMPLES, subset_size=2, perturb_baseline=0.0)
    ours = faithfulness_correlation(in_tensorflow, X, R, subset_size=2, subsets=SAMPLES, seed=0)
    np.testing.assert_allclose(ours.per_example, theirs, rtol=1e-9)


def test_mu_fidelity_of_xplique(monkeypatch):
    """Of a picture in cells, of which some lie across its pixels; in float32, which is what it computes in."""
    fidelity = pytest.importorskip("xplique.metrics.fidelity")
    generator = np.random.default_rng(4)
    x, attributions = generator.normal(size=(2, 2, 7, 7, 1)).astype(np.float32)
    weights = generator.normal(size=(7, 7, 1)).astype(np.float32)
    fn = lambda x: tf.reduce_sum(tf.tanh(x * weights), [1, 2, 3])  # noqa: E731
    drawn = np.random.default_rng(0).random((30, 9))
    monkeypatch.setattr(fidelity.tf.random, "uniform", lambda *_, **__: tf.constant(drawn, tf.float32))
    model = lambda x: tf.stack([fn(x)] * 2, 1)  # noqa: E731
    targets = np.eye(2, dtype=np.float32)
    theirs = fidelity.MuFidelity(model, x, targets, grid_size=3, subset_percent=0.2, nb_samples=30, batch_size=None)
    ours = mu_fidelity(fn, x, attributions, grid=3, subsets=30, seed=0)
    assert theirs(attributions) == pytest.approx(ours.mean, abs=1e-6)


def test_monotonicity_correlation_of_quantus():
    """Of samples that are all the same."""
    theirs = of_quantus("MonotonicityCorrelation", {"a_batch": np.abs(R)}, nr_samples=2, perturb_baseline=0.3)
    ours = monotonicity_correlation(in_tensorflow, X, R, n_samples=2, value_range=(0.3, 0.3 + 1e-12))
    np.testing.assert_allclose(ours.per_example, theirs, rtol=1e-9)


def test_monotonicity_of_quantus_is_always_true():
    """Even where each feature that is added makes the target fall."""
    theirs = of_quantus("Monotonicity", {"x_batch": np.abs(X)}, fn=lambda x: -x.sum(1))
    np.testing.assert_array_equal(theirs, 1)


@pytest.mark.parametrize(
    ("metric", "theirs", "fixed"),
    [
        (local_lipschitz_estimate, "LocalLipschitzEstimate", {}),
        (relative_input_stability, "RelativeInputStability", {"return_nan_when_prediction_changes": False}),
    ],
)
def test_stability_of_quantus(metric, theirs, fixed):
    """Of the same δ; `evaluate_batch` alone does not divide attributions by their maximum."""
    quantus, generator = pytest.importorskip("quantus"), np.random.default_rng(3)
    explain = lambda x: np.sin(x * R[:1]) + 2  # noqa: E731
    perturb = lambda arr, **_: arr + generator.uniform(-0.1, 0.1, (3, 5))  # noqa: E731
    scorer = getattr(quantus, theirs)(nr_samples=SAMPLES, disable_warnings=True, perturb_func=perturb, **fixed)
    scorer.explain_batch = lambda model, x, y: explain(x)
    found = scorer.evaluate_batch(model=None, x_batch=X.copy(), y_batch=np.zeros(3, int), a_batch=explain(X))
    ours = metric(explain, X, radius=0.1, n_samples=SAMPLES, seed=3)
    np.testing.assert_allclose(ours.per_example, np.asarray(found).ravel(), rtol=1e-6)


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        (pointing_game, "PointingGame"),
        (relevance_mass_accuracy, "RelevanceMassAccuracy"),
        (relevance_rank_accuracy, "RelevanceRankAccuracy"),
    ],
)
def test_localisation_of_quantus(metric, theirs):
    """Of attributions that are all positive."""
    masks = X > 0.3
    found = of_quantus(theirs, {"a_batch": np.abs(R), "s_batch": masks})
    np.testing.assert_allclose(metric(X, np.abs(R), masks).per_example, found, rtol=1e-9)


@pytest.mark.parametrize(
    ("metric", "theirs"), [(average_drop, "AverageDropMetric"), (average_increase, "AverageIncreaseMetric")]
)
def test_confidence_of_xplique(metric, theirs):
    """Of attributions ≥ 0 that have a 0 in each example."""
    fidelity = pytest.importorskip("xplique.metrics.fidelity")
    generator = np.random.default_rng(4)
    x, attributions = generator.normal(size=(2, 9, 5, 5, 1)).astype(np.float32)
    weights, attributions = generator.normal(size=(5, 5, 1)).astype(np.float32), np.maximum(attributions, 0)
    fn = lambda x: tf.sigmoid(tf.reduce_sum(x * weights, [1, 2, 3]))  # noqa: E731
    scorer = getattr(fidelity, theirs)(lambda x: fn(x)[:, tf.newaxis], x, np.ones((9, 1), np.float32))
    assert scorer(attributions) == pytest.approx(metric(fn, x, attributions).mean, rel=1e-5)
