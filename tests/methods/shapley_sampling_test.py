"""Tests of `methods/shapley_sampling.py`."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests import references as ref
from tests.checks import explain, pairs_in_turn


def _model(n_features, seed=1):
    layers = [*ref.random_network(seed, [n_features, 6], "tanh", scale=2.0), ref.Activation("tanh")]
    return [*layers, *ref.random_network(seed + 1, [6, 5, 2], "relu", scale=2.0)]


def _exact(layers, x, baseline, players=None):
    players = np.arange(x.shape[1]) if players is None else players
    return ref.shapley(lambda x: ref.forward(layers, x)[:, 1], [x], [baseline], [players])


@pytest.mark.parametrize(("n_players", "n_samples"), [(1, 2), (2, 2), (3, 6), (4, 24), (5, 120), (5, 256)])
def test_exact_where_all_permutations_fit(n_players, n_samples):
    layers = _model(n_players)
    x, baseline = ref.numbers(0, (3, n_players), n_players)
    options = {"n_samples": n_samples}
    e = explain(ref.in_tensorflow(layers), "shapley_sampling", x, target=1, baseline=baseline, **options)
    np.testing.assert_allclose(e.attributions, _exact(layers, x, baseline), rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(e.standard_error, np.zeros((3, n_players)))
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_one_permutation_too_few_is_sampled():
    layers, (x,) = _model(4), ref.numbers(0, (2, 4))
    options = {"n_samples": math.factorial(4) - 2}
    e = explain(ref.in_tensorflow(layers), "shapley_sampling", x, target=1, **options, seed=0)
    assert (e.standard_error > 0).all()
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_exact_in_float32():
    layers, x = _model(5), ref.numbers(0, (3, 5))[0].astype(np.float32)
    e = explain(ref.in_tensorflow(layers), "shapley", x, target=1)
    assert e.attributions.dtype == np.float32
    np.testing.assert_allclose(e.attributions, _exact(layers, x.astype(np.float64), np.zeros(5)), atol=1e-5)
    assert e.method == "shapley_sampling"


def test_members_of_a_group_carry_its_value():
    layers, (x,) = _model(7), ref.numbers(0, (3, 7))
    groups = np.array([40, 7, 40, -3, 7, 40, 12])
    players = np.unique(groups, return_inverse=True)[1]
    exact = _exact(layers, x, np.zeros(7), players)
    e = explain(ref.in_tensorflow(layers), "shapley_sampling", x, target=1, groups=groups)
    np.testing.assert_allclose(e.attributions, exact[:, players], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(exact.sum(1), e.outputs - e.baseline_outputs, rtol=1e-10)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_groups_across_inputs():
    """A number means the same player everywhere."""
    a, b = ref.numbers(0, (2, 3), (2, 2, 2))
    layers = _model(7)

    def model(a, b):
        return ref.in_tensorflow(layers)(tf.concat([a, tf.reshape(b, [-1, 4])], 1))

    ids = [np.array([0, 1, 1]), np.array([[1, 2], [3, 3]])]
    exact = ref.shapley(
        lambda a, b: ref.forward(layers, np.hstack([a, b.reshape(2, 4)]))[:, 1], [a, b], [0.0, 0.0], ids
    )
    e = explain(model, "shapley_sampling", [a, b], target=1, groups=ids)
    np.testing.assert_allclose(e.attributions[0], exact[:, ids[0]], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(e.attributions[1], exact[:, ids[1]], rtol=1e-10, atol=1e-13)
    assert [part.shape for part in e.standard_error] == [(2, 3), (2, 2, 2)]
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize("form", [list, dict])
def test_groups_of_a_keras_model_go_by_input(form):
    """Names in another order than the alphabet's are still the model's names."""
    late, early = keras.Input((2,), name="z", dtype="float64"), keras.Input((3,), name="a", dtype="float64")
    joined = keras.layers.Concatenate(dtype="float64")([late, early])
    layer = keras.layers.Dense(1, "tanh", dtype="float64", bias_initializer="ones")
    model = keras.Model([late, early], layer(joined))
    z, a = ref.numbers(0, (2, 2), (2, 3))
    ids = [np.array([0, 1]), np.array([1, 2, 2])]
    weights, biases = layer.get_weights()
    exact = ref.shapley(lambda z, a: np.tanh(np.hstack([z, a]) @ weights + biases)[:, 0], [z, a], [0.0, 0.0], ids)

    def structure(z, a):
        return {"a": a, "z": z} if form is dict else [z, a]

    e = explain(model, "shapley_sampling", structure(z, a), groups=structure(*ids))
    found = [e.attributions["z"], e.attributions["a"]] if form is dict else e.attributions
    np.testing.assert_allclose(found[0], exact[:, ids[0]], rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found[1], exact[:, ids[1]], rtol=1e-10, atol=1e-13)


def test_baseline_for_each_example():
    layers = _model(3)
    x, each = ref.numbers(0, (4, 3), (4, 3))
    e = explain(ref.in_tensorflow(layers), "shapley_sampling", x, target=1, baseline=each)
    np.testing.assert_allclose(e.attributions, _exact(layers, x, each), rtol=1e-10, atol=1e-13)


@pytest.fixture(scope="module")
def eight():
    """An 8-player net with its exact values, and estimates of them: n_samples → one for each of five seeds."""
    layers = _model(8, seed=3)
    x, baseline = ref.numbers(0, (2, 8), 8)
    with dx.DeepExplain(ref.in_tensorflow(layers)) as de:
        explainer = de.explainer("shapley_sampling", target=1)
    estimates = {
        n_samples: [
            explainer(x, baseline=baseline, seed=seed, n_samples=n_samples, chunk_size=512) for seed in range(5)
        ]
        for n_samples in (256, 1024)
    }
    return _exact(layers, x, baseline), estimates


@pytest.mark.parametrize("n_samples", [256, 1024])
def test_samples_lie_within_four_standard_errors(eight, n_samples):
    exact, estimates = eight
    deviations = np.array([(e.attributions - exact) / e.standard_error for e in estimates[n_samples]])
    assert np.abs(deviations).max() < 4
    assert 0.7 < np.sqrt(np.mean(deviations**2)) < 1.4  # the standard error is neither boast nor alarm


def test_standard_error_halves_with_four_times_the_samples(eight):
    _, estimates = eight
    mean = {n: np.mean([e.standard_error for e in found], axis=0) for n, found in estimates.items()}
    np.testing.assert_allclose(mean[1024] / mean[256], 0.5, atol=0.06)


def test_samples_sum_exactly(eight):
    _, estimates = eight
    for e in estimates[256]:
        np.testing.assert_allclose(e.attributions.sum(1), e.outputs - e.baseline_outputs, rtol=1e-11)
        np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)


def test_seed_decides():
    layers, (x,) = _model(6), ref.numbers(0, (1, 6))

    def found(seed):
        options = {"n_samples": 10}
        return explain(ref.in_tensorflow(layers), "shapley_sampling", x, target=1, seed=seed, **options).attributions

    np.testing.assert_array_equal(found(3), found(3))
    assert (found(3) != found(4)).any()


def test_pairs_are_exact_on_products_of_two():
    """A permutation and its reverse cancel every interaction of two players, so that no error is left."""
    x, matrix = ref.numbers(0, (2, 8), (8, 8))

    def model(x):
        return tf.reduce_sum(x * (x @ tf.constant(matrix)), 1)

    e = explain(model, "shapley_sampling", x, n_samples=4, seed=0)
    symmetric = (matrix + matrix.T) / 2
    np.testing.assert_allclose(e.attributions, x * (x @ symmetric), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(e.standard_error, 0, atol=1e-12)


@pytest.mark.parametrize(("n_features", "chunk_size"), pairs_in_turn(itertools.product([3, 6], [1, 5, 1000]), 2))
def test_chunks_change_no_number(n_features, chunk_size):
    layers, (x,) = _model(n_features), ref.numbers(0, (3, n_features))
    model, options = ref.in_tensorflow(layers), {"n_samples": 12}
    whole = explain(model, "shapley_sampling", x, target=1, seed=1, **options).attributions
    options |= {"chunk_size": chunk_size, "batch_size": 2}
    parts = explain(model, "shapley_sampling", x, target=1, seed=1, **options).attributions
    np.testing.assert_allclose(parts, whole, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("n_samples", [0, 1, 3, -2, 2.0, "256", True])
def test_n_samples_is_even(n_samples):
    with pytest.raises(dx.DeepExplainError, match="n_samples must be an even whole number ≥ 2"):
        explain(tf.tanh, "shapley_sampling", np.ones((1, 3)), target=0, n_samples=n_samples)


@pytest.mark.parametrize("groups", [np.zeros(4, int), np.zeros((1, 3), int), np.zeros(3), "abc", [0, 1, 1.5]], ids=repr)
def test_groups_are_whole_numbers_shaped_like_one_example(groups):
    with pytest.raises(dx.DeepExplainError, match="groups must be whole numbers shaped"):
        explain(tf.tanh, "shapley_sampling", np.ones((1, 3)), target=0, groups=groups)
