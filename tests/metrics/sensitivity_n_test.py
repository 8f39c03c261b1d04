"""Tests of `metrics/sensitivity_n.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.methods import make
from deepexplain_tf.metrics import draw_subsets, sensitivity_n
from tests.checks import BY_ELEMENT, FITTED, explain, in_turn, options_of
from tests.models import filled

GENERATOR = np.random.default_rng(3)
W, B = GENERATOR.normal(size=(6, 3)), GENERATOR.normal(size=3)
X = GENERATOR.normal(size=(4, 6))
# Options under which zero is the baseline.
OPTIONS = {**{name: options_of(name, X) for name in BY_ELEMENT}, "saliency": {"signed": True}}
OPTIONS["expected_gradients"] |= {"background": np.zeros((2, 6))}
GRADIENTS = [name for name in OPTIONS if make(name, OPTIONS[name]).per_unit]
CONTRIBUTIONS = [name for name in OPTIONS if name not in GRADIENTS]  # R with Σ R = f(x) − f(x₀)


def linear(x):
    return x @ W + B


def logit(x):
    return tf.linalg.matvec(x, W[:, 1]) + B[1]


def nonlinear(x):
    return tf.reduce_sum(tf.tanh(tf.tanh(x @ W) @ W.T[:, :4]), 1)


def attributed(method, x):
    return explain(linear, method, x, target=1, seed=0, **OPTIONS[method]).attributions


def test_both_kinds_of_methods_are_found():
    assert {"deeplift", "epsilon_lrp", "occlusion", "shapley_sampling"} < set(CONTRIBUTIONS)
    assert {"deconvnet", "guided_backprop", "saliency"} <= set(GRADIENTS)


# Against a blurred input, a feature contributes something else than against the metric's zeros; and `idgi` divides the
# change among features by their gradients alone.
_OTHERS = (*FITTED, "blur_ig", "idgi")


@pytest.mark.parametrize("method", in_turn([name for name in CONTRIBUTIONS if name not in _OTHERS], 3))
def test_contributions_to_a_linear_model_have_correlation_one(method):
    found = sensitivity_n(logit, X, attributed(method, X), n=[1, 2, 3, 4, 5], seed=0)
    assert found.per_example.shape == (4, 5)
    np.testing.assert_allclose(found.per_example, 1, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.mean, 1, rtol=0, atol=1e-6)


@pytest.mark.parametrize("method", GRADIENTS)
def test_gradients_of_a_linear_model_do_not_unless_all_features_are_alike(method):
    """They are per unit of a feature: R = w where the contribution is w·x."""
    found = sensitivity_n(logit, X, attributed(method, X), n=[1, 3], seed=0)
    assert (found.mean < 0.99).all()
    alike = np.full_like(X, 0.7)
    found = sensitivity_n(logit, alike, attributed(method, alike), n=[1, 3], seed=0)
    np.testing.assert_allclose(found.per_example, 1, rtol=0, atol=1e-6)


@pytest.mark.parametrize("baseline", [None, 0.3])
def test_occlusion_of_single_features_is_exact_for_one_feature(baseline):
    with dx.DeepExplain(nonlinear) as de:
        e = de.explain("occlusion", X, target=lambda outputs: outputs, baseline=baseline)
    found = sensitivity_n(nonlinear, X, {"occlusion": e, "input": X}, n=1, baseline=baseline, seed=1)
    np.testing.assert_allclose(found["occlusion"].per_example, 1, rtol=0, atol=1e-12)
    assert (found["input"].per_example < 0.999).all()


def small_cnn():
    layers = [keras.layers.Conv2D(3, 3, activation="relu"), keras.layers.MaxPooling2D(), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input((7, 7, 2)), *layers, keras.layers.Dense(2)])
    return filled(model)


def expected(f, x, attributions, baseline, ids, n, subsets):
    """Each correlation from its definition: one example, one subset at a time."""
    score = np.zeros((len(x), len(n)))
    for row, (example, relevance, start) in enumerate(zip(x, attributions, baseline, strict=True)):
        for column, size in enumerate(n):
            sums, drops = [], []
            for subset in draw_subsets(ids.max() + 1, size, subsets, 5):
                removed = np.isin(ids, np.flatnonzero(subset))
                sums.append(relevance[removed].sum(dtype=np.float64))
                drops.append(f(example, row) - f(np.where(removed, start, example), row))
            score[row, column] = np.corrcoef(sums, drops)[0, 1]
    return score


@pytest.mark.parametrize("groups", ["elements", "positions", "ids"])
def test_equals_its_definition_on_a_small_cnn(groups):
    model = small_cnn()
    generator = np.random.default_rng(0)
    x, attributions, baseline = (generator.normal(size=(3, 7, 7, 2)).astype(np.float32) for _ in range(3))
    labels = np.array([1, 0, 1])
    numbered = {
        "elements": np.arange(98).reshape(7, 7, 2),
        "positions": np.repeat(np.arange(49), 2).reshape(7, 7, 2),
        "ids": generator.permutation(np.arange(98) % 9).reshape(7, 7, 2),
    }[groups]

    @tf.function
    def one(x):
        return model(x)

    oracle = expected(
        lambda x, row: float(one(tf.constant(x[np.newaxis], tf.float32))[0, labels[row]]),
        x,
        attributions,
        baseline,
        numbered,
        [1, 4],
        12,
    )
    found = sensitivity_n(
        lambda x: tf.gather(model(x), labels, axis=1, batch_dims=1),
        x,
        attributions,
        n=[1, 4],
        subsets=12,
        baseline=baseline,
        groups=numbered if groups == "ids" else groups,
        seed=5,
    )
    np.testing.assert_allclose(found.per_example, oracle, rtol=0, atol=1e-6)


def test_a_known_score():
    """F = max(x) with x = (2, 1): R = (1, 0) and drops (1, 0) agree; R = (0, 1) is opposite."""
    attributions = {"right": np.array([[1.0, 0.0]]), "wrong": np.array([[0.0, 1.0]])}
    found = sensitivity_n(lambda x: tf.reduce_max(x, 1), np.array([[2.0, 1.0]]), attributions, n=1, seed=0)
    np.testing.assert_allclose(found["right"].mean, [1])
    np.testing.assert_allclose(found["wrong"].mean, [-1])


def test_a_constant_side_is_counted_and_not_averaged():
    attributions = X * W[:, 1]
    attributions[0] = 0.1  # the same for any subset, but for the rounding of its sum
    x = X.copy()
    x[1] = 0  # equal to the baseline: nothing changes
    found = sensitivity_n(logit, x, attributions, n=[1, 3], seed=0)
    np.testing.assert_array_equal(np.isnan(found.per_example), [[True, True]] * 2 + [[False, False]] * 2)
    np.testing.assert_array_equal(found.n_constant, [2, 2])
    np.testing.assert_allclose(found.mean, 1)
    none = sensitivity_n(logit, np.zeros_like(X), X, n=2, seed=0)
    assert np.isnan(none.mean).all()
    assert np.isnan(none.interval).all()


def test_rounding_of_a_float32_target_is_constant():
    """Here f changes by its last digit alone, which says nothing of any attribution."""
    x = X.astype(np.float32)
    wobble = lambda x: 1 + tf.reduce_sum(x, 1) * 1e-8  # noqa: E731
    found = sensitivity_n(wobble, x, x, n=2, seed=0)
    np.testing.assert_array_equal(found.n_constant, [4])
    assert sensitivity_n(wobble, X, X, n=2, seed=0).mean == pytest.approx(1, abs=1e-6)


def test_several_attributions_share_the_subsets_and_the_evaluations():
    rows = []

    def fn(x):
        rows.append(len(x))
        return (x @ W)[:, 0]

    both = {"first": X, "second": X**2}
    together = sensitivity_n(fn, X, both, n=[1, 2], subsets=5, seed=0)
    evaluated = sum(rows)
    assert evaluated >= 4 * (1 + 2 * 5)
    for name, attributions in both.items():
        rows.clear()
        alone = sensitivity_n(fn, X, attributions, n=[1, 2], subsets=5, seed=0)
        np.testing.assert_array_equal(together[name].per_example, alone.per_example)
        assert sum(rows) == evaluated


def default_grid(n_features):
    x = np.ones((1, n_features), np.float32)
    return sensitivity_n(lambda x: x.sum(1), x, x, subsets=2, seed=0).n


def test_the_default_grid():
    wanted = [1, 2, 3, 4, 6, 9, 13, 20, 31, 48, 73, 113, 173, 266, 408, 627]
    np.testing.assert_array_equal(default_grid(784), wanted)


@pytest.mark.parametrize("n_features", [2, 3, 5, 19, 20, 21, 22, 25, 30, 64, 100, 1000])
def test_the_default_grid_has_distinct_numbers_up_to_four_fifths(n_features):
    n = default_grid(n_features)
    largest = max(int(0.8 * n_features), 1)
    assert (np.diff(n) > 0).all()
    assert (n[0], n[-1], len(n)) == (1, largest, min(largest, 16))


def test_the_scores_of_one_n_do_not_depend_on_the_others():
    several = sensitivity_n(nonlinear, X, X, n=[4, 2, 3], subsets=7, seed=0)
    np.testing.assert_array_equal(several.n, [4, 2, 3])
    alone = sensitivity_n(nonlinear, X, X, n=2, subsets=7, seed=0)
    np.testing.assert_allclose(alone.per_example[:, 0], several.per_example[:, 1], rtol=1e-12)


def test_shows_a_table():
    shown = repr(sensitivity_n(logit, X, X * W[:, 1], n=[1, 2], seed=0))
    assert shown.splitlines()[0] == "SensitivityN of 4 examples"
    assert shown.splitlines()[-1].split() == ["2", "1.0000", "1.0000", "1.0000", "0"]
