"""Tests of `metrics/relative_input_stability.py`."""

import numpy as np

from deepexplain_tf.metrics import relative_input_stability

X = np.random.default_rng(0).normal(size=(3, 4))


def test_a_known_score():
    """Attributions proportional to x change as x does; those of cubes nearly thrice as much, for small steps."""
    np.testing.assert_allclose(relative_input_stability(lambda x: 3 * x, X, seed=0).per_example, 1)
    found = relative_input_stability(lambda x: x**3, np.full((1, 4), 2.0), radius=1e-4, seed=0)
    np.testing.assert_allclose(found.per_example, 3, rtol=2e-4)


def test_equals_its_definition():
    found = relative_input_stability(np.exp, X, radius=0.5, n_samples=6, seed=2)
    generator, factors = np.random.default_rng(2), []
    for _ in range(6):
        step = generator.uniform(-0.5, 0.5, X.shape)
        moved = (np.exp(X + step) - np.exp(X)) / np.exp(X)
        factors.append(np.sqrt((moved**2).sum(1)) / np.sqrt(((step / X) ** 2).sum(1)))
    np.testing.assert_allclose(found.per_example, np.max(factors, 0), rtol=1e-9)


def test_epsilon_stands_for_zeros():
    """For the zero of the attributions, for that of the input, and where nothing moves."""
    attributions = iter([np.array([[0.0, 1.0]]), np.array([[0.5, 1.0]])])
    x, step = np.array([[1.0, 0.0]]), np.random.default_rng(0).uniform(-0.1, 0.1, (1, 2))[0]
    found = relative_input_stability(lambda _: next(attributions), x, radius=0.1, n_samples=1, epsilon=1e-3, seed=0)
    np.testing.assert_allclose(found.per_example, 500 / np.hypot(step[0], step[1] / 1e-3), rtol=1e-9)
    still = np.full((1, 2), 1e8, np.float32)
    np.testing.assert_array_equal(relative_input_stability(lambda x: x, still, seed=0).per_example, 0)


def test_a_change_that_no_float_holds_has_no_score():
    attributions = iter([np.array([[1e-300, 1.0]]), np.array([[1.0, 1.0]])])
    found = relative_input_stability(lambda _: next(attributions), np.ones((1, 2)), n_samples=1, seed=0)
    np.testing.assert_array_equal(found.per_example, [np.nan])
