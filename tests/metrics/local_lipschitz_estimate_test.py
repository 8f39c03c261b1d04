"""Tests of `metrics/local_lipschitz_estimate.py`."""

import numpy as np

from deepexplain_tf.metrics import local_lipschitz_estimate

X = np.random.default_rng(0).normal(size=(3, 4))


def test_a_known_score():
    """Attributions that are 3·x move three times as far as x, in every direction."""
    found = local_lipschitz_estimate(lambda x: 3 * x + 7, X, seed=0)
    np.testing.assert_allclose(found.per_example, 3)
    np.testing.assert_array_equal(local_lipschitz_estimate(np.ones_like, X, seed=0).per_example, 0)


def test_equals_its_definition():
    found = local_lipschitz_estimate(np.sin, X, radius=0.5, n_samples=6, seed=2)
    generator, slopes = np.random.default_rng(2), []
    for _ in range(6):
        step = generator.uniform(-0.5, 0.5, X.shape)
        slopes.append(np.linalg.norm(np.sin(X + step) - np.sin(X), axis=1) / np.linalg.norm(step, axis=1))
    np.testing.assert_allclose(found.per_example, np.max(slopes, 0), rtol=1e-9)
    assert (found.per_example < 1).all()


def test_a_step_that_rounding_leaves_out_moves_nothing():
    x = np.full((2, 3), 1e8, np.float32)
    np.testing.assert_array_equal(local_lipschitz_estimate(lambda x: x, x, seed=0).per_example, 0)


def test_inputs_that_are_no_floats_are_no_step():
    x = [X[:, :2], np.ones((3, 2), int)]
    found = local_lipschitz_estimate(lambda inputs: [2 * inputs[0], inputs[1]], x, seed=0)
    np.testing.assert_allclose(found.per_example, 2)
