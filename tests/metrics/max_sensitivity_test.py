"""Tests of `metrics/max_sensitivity.py`."""

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.metrics import max_sensitivity

X = np.random.default_rng(0).normal(size=(3, 4))


def test_equals_its_definition():
    found = max_sensitivity(np.sin, X, radius=0.5, n_samples=6, seed=2)
    generator, here = np.random.default_rng(2), np.sin(X)
    moved = [np.sin(X + generator.uniform(-0.5, 0.5, X.shape)) for _ in range(6)]
    expected = [np.linalg.norm(there - here, axis=1) / np.linalg.norm(here, axis=1) for there in moved]
    np.testing.assert_allclose(found.per_example, np.max(expected, 0), rtol=1e-12)


def test_a_known_bound():
    """‖δ‖ is at most radius·√4, and comes close in one of many draws."""
    found = max_sensitivity(lambda x: x, np.ones((1, 4)), radius=0.1, n_samples=2_000, seed=0)
    assert 0.085 < found.mean < 0.1


def test_attributions_that_do_not_move():
    found = max_sensitivity(lambda x: np.ones_like(x), X, seed=0)
    np.testing.assert_array_equal(found.per_example, 0)
    zeros = max_sensitivity(lambda x: np.zeros_like(x), X, seed=0)
    assert np.isnan(zeros.per_example).all()


def test_of_an_explainer():
    with dx.DeepExplain(lambda x: tf.tanh(x @ np.eye(4)[:, :2])) as de:
        explainers = {name: de.explainer(name, target=1) for name in ("gradient_x_input", "deeplift")}
    found = max_sensitivity(explainers, X, seed=0)
    alone = max_sensitivity(explainers["deeplift"], X, seed=0)
    np.testing.assert_allclose(found["deeplift"].per_example, alone.per_example, rtol=1e-12)
    assert (found["gradient_x_input"].per_example > 0).all()
