"""Tests of `methods/expected_gradients.py`."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests import references as ref
from tests.checks import explain, pairs_in_turn, plain_integral
from tests.models import filled

_X, _BACKGROUND = ref.numbers(0, (3, 4), (5, 4))
_NET = ref.random_network(1, [4, 6, 5, 2], "tanh")
_MODEL = ref.in_tensorflow(_NET)


def _explain(x=_X, model=_MODEL, background=_BACKGROUND, target=1, seed=0, **options):
    return explain(model, "expected_gradients", x, target=target, background=background, seed=seed, **options)


def _draws(sampling, n, size, seed):
    generator = np.random.default_rng(seed)
    if sampling == "random":
        return generator.integers(size, size=n), generator.random(n)
    chosen = np.concatenate([generator.permutation(size) for _ in range(-(-n // size))])[:n]
    return chosen, (generator.permutation(n) + generator.random(n)) / n


def _exact():
    return np.mean([ref.integrated_gradients(_NET, _X, start, 1) for start in _BACKGROUND], axis=0)


@pytest.mark.parametrize(
    ("sampling", "n_samples"), pairs_in_turn(itertools.product(["stratified", "random"], [2, 7, 40]), 2)
)
def test_it_is_the_mean_over_its_draws(sampling, n_samples):
    e = _explain(sampling=sampling, n_samples=n_samples, seed=3)
    chosen, alphas = _draws(sampling, n_samples, 5, 3)
    starts = _BACKGROUND[chosen]
    for row, x in enumerate(_X):
        parts = (x - starts) * ref.gradient(_NET, starts + alphas[:, None] * (x - starts), 1)
        np.testing.assert_allclose(e.attributions[row], parts.mean(0), rtol=1e-11, atol=1e-13)
        expected = parts.std(0, ddof=1) / np.sqrt(n_samples)
        np.testing.assert_allclose(e.standard_error[row], expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(e.outputs, ref.forward(_NET, _X)[:, 1], rtol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, np.full(3, ref.forward(_NET, _BACKGROUND)[:, 1].mean()), rtol=1e-12)
    gap = e.attributions.sum(1) - (e.outputs - e.baseline_outputs)
    np.testing.assert_allclose(e.completeness_gap, gap, rtol=0, atol=1e-13)


def test_a_linear_model_is_exact_where_each_baseline_is_taken_equally_often():
    weights, bias = ref.numbers(2, 4, 1)
    e = _explain(model=lambda x: tf.linalg.matvec(x, weights) + bias, target=None, n_samples=15)
    np.testing.assert_allclose(e.attributions, (_X - _BACKGROUND.mean(0)) * weights, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-13)


def test_one_baseline_and_many_draws_are_integrated_gradients():
    e = _explain(background=_BACKGROUND[:1], n_samples=2000)
    expected = ref.integrated_gradients(_NET, _X, _BACKGROUND[0], 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=0, atol=1e-4)


def test_the_standard_error_says_how_far_it_is_from_the_truth():
    """Of 40 seeds, errors over their standard errors have about the spread of normal numbers."""
    exact, scores = _exact(), []
    with dx.DeepExplain(_MODEL) as de:
        attribute = de.explainer("expected_gradients", target=1, background=_BACKGROUND, sampling="random")
        for seed in range(40):
            e = attribute(_X, seed=seed, n_samples=100)
            scores.append((e.attributions - exact) / e.standard_error)
    assert 0.8 < np.sqrt(np.mean(np.square(scores))) < 1.2
    assert np.mean(np.abs(scores) < 2) > 0.9
    assert abs(np.mean(scores)) < 0.2


def test_stratified_draws_have_smaller_errors():
    exact, errors = _exact(), {"stratified": [], "random": []}
    with dx.DeepExplain(_MODEL) as de:
        attribute = de.explainer("expected_gradients", target=1, background=_BACKGROUND)
        for sampling, found in errors.items():
            for seed in range(20):
                e = attribute(_X, seed=seed, n_samples=50, sampling=sampling)
                found.append(np.mean((e.attributions - exact) ** 2))
    assert np.mean(errors["stratified"]) < np.mean(errors["random"]) / 2


def test_a_seed_fixes_the_draws():
    with dx.DeepExplain(_MODEL) as de:
        attribute = de.explainer("expected_gradients", target=1, background=_BACKGROUND, n_samples=10)
        first, again, other = (attribute(_X, seed=seed) for seed in (4, 4, 5))
        assert first == again
        assert np.abs(first.attributions - other.attributions).max() > 1e-3
        assert np.abs(attribute(_X).attributions - attribute(_X).attributions).max() > 1e-6


@pytest.mark.parametrize(
    "sizes", [{"batch_size": 1}, {"batch_size": 2, "chunk_size": 3}, {"chunk_size": 1000}], ids=str
)
def test_sizes_change_nothing(sizes):
    expected, found = _explain(n_samples=11), _explain(n_samples=11, **sizes)
    for name in ("attributions", "standard_error", "outputs", "baseline_outputs"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9, atol=1e-12)


@pytest.mark.long  # tests/conformance compiles
def test_xla_changes_nothing():
    expected, found = _explain(n_samples=11), _explain(n_samples=11, jit_compile=True)
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=1e-6, atol=1e-9)


def test_several_inputs_share_draws():
    x, y, xs, ys = ref.numbers(5, (2, 1), (2, 1), (4, 1), (4, 1))
    e = _explain([x, y], lambda x, y: x * y, background=[xs, ys], target=0, n_samples=12)
    chosen, alphas = _draws("stratified", 12, 4, 0)
    alphas = alphas[:, None]
    for row in range(2):
        dx_, dy = x[row] - xs[chosen], y[row] - ys[chosen]
        np.testing.assert_allclose(e.attributions[0][row], np.mean(dx_ * (ys[chosen] + alphas * dy), 0), rtol=1e-11)
        np.testing.assert_allclose(e.attributions[1][row], np.mean(dy * (xs[chosen] + alphas * dx_), 0), rtol=1e-11)


def test_inputs_by_name_take_backgrounds_by_name():
    x, y = ref.numbers(6, (2, 3), (2, 2))
    signature = [tf.TensorSpec([None, 3], tf.float64, "x"), tf.TensorSpec([None, 2], tf.float64, "y")]
    model = lambda x, y: tf.reduce_sum(x, 1) * tf.reduce_sum(y, 1)  # noqa: E731
    background = {"y": np.ones((1, 2)), "x": np.zeros((1, 3))}
    e = _explain({"y": y, "x": x}, model, background, None, n_samples=500, input_signature=signature)
    assert list(e.attributions) == ["y", "x"]
    (one, other) = plain_integral(model, [x, y], [np.zeros((1, 3)), np.ones((1, 2))])
    np.testing.assert_allclose(e.attributions["x"], one, rtol=0, atol=1e-2)
    np.testing.assert_allclose(e.attributions["y"], other, rtol=0, atol=1e-2)


def test_a_layer_takes_a_background_of_its_outputs():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2, activation="softplus")(hidden)))
    x, background = _X.astype(np.float32), ref.numbers(7, (2, 3))[0].astype(np.float32)
    e = _explain(x, model, background, layer="hidden", n_samples=64)
    kernel, bias = model.layers[2].get_weights()
    h = model.get_layer("hidden")(x).numpy()
    chosen, alphas = _draws("stratified", 64, 2, 0)
    starts = background[chosen]
    for row in range(3):
        z = (starts + alphas[:, None] * (h[row] - starts)) @ kernel[:, 1] + bias[1]
        expected = np.mean((h[row] - starts) * (1 / (1 + np.exp(-z)))[:, None] * kernel[:, 1], 0)
        np.testing.assert_allclose(e.attributions[row], expected, rtol=1e-4, atol=1e-6)


_WRONG = {
    "none": (None, OptionError),
    "one example": (_BACKGROUND[0], InputError),
    "too few features": (_BACKGROUND[:, :3], InputError),
    "empty": (_BACKGROUND[:0], InputError),
    "NaN": (np.full((2, 4), np.nan), InputError),
    "a number": (0.0, InputError),
    "strings": (np.array([["a"] * 4]), InputError),
    "a list": ([_BACKGROUND, _BACKGROUND], InputError),
    "one set for each of two": (np.zeros((2, 5, 4)), InputError),
}


@pytest.mark.parametrize(("background", "kind"), _WRONG.values(), ids=_WRONG)
@pytest.mark.parametrize("method", ["expected_gradients", "integrated_gradients"])
def test_a_background_that_does_not_fit(method, background, kind):
    if background is None and method == "integrated_gradients":
        return
    with dx.DeepExplain(_MODEL, input_signature=[tf.TensorSpec([None, 4], tf.float64)]) as de:
        attribute = de.explainer(method, background=background, target=1)
        with pytest.raises(kind, match="background") as caught:
            attribute(_X)
        assert len(str(caught.value)) <= 500
        assert attribute.n_traces == 0


def test_backgrounds_of_several_inputs_have_one_length():
    with pytest.raises(InputError, match="background"):
        _explain([_X, _X], lambda x, y: tf.reduce_sum(x * y, 1), [_BACKGROUND, _BACKGROUND[:2]], None)


def test_it_has_no_baseline():
    with pytest.raises(OptionError, match="baseline"):
        _explain(baseline=0.0)
