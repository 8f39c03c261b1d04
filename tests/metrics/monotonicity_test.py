"""Tests of `metrics/monotonicity.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import monotonicity
from tests.checks import total

GENERATOR = np.random.default_rng(0)
W, X, R, START = GENERATOR.normal(size=(7, 2)), *GENERATOR.normal(size=(3, 4, 7))


def curved(x):
    return tf.reduce_sum(tf.tanh(x @ W), 1)


def test_known_scores():
    """Of 1, 2 and −4 added in their order, and the other way round; x₀ itself is no step."""
    x = np.array([[1.0, 2.0, -4.0]])
    found = monotonicity(total, x, {"rising": np.array([[1.0, 2.0, 3.0]]), "falling": -x})
    np.testing.assert_allclose(found["rising"].curve, [[1, 3, -1]])
    np.testing.assert_allclose(found["rising"].per_example, [1 / 2])
    np.testing.assert_allclose(found["falling"].curve, [[2, 3, -1]])
    attributions = np.array([[2.0, 3.0, 1.0]])
    found = monotonicity(total, x, attributions)
    np.testing.assert_allclose(found.curve, [[-4, -3, -1]])
    assert found.monotone.tolist() == [True]
    assert found.mean == 1


@pytest.mark.parametrize("steps", [7, 3])
def test_equals_its_definition(steps):
    """One example, one step at a time."""
    f = lambda x: np.tanh(x @ W).sum()  # noqa: E731
    counts = {7: [1, 2, 3, 4, 5, 6, 7], 3: [2, 5, 7]}[steps]
    expected = []
    for x, relevance, start in zip(X, R, START, strict=True):
        order = np.argsort(relevance)
        values = [f(np.where(np.isin(np.arange(7), order[:count]), x, start)) for count in counts]
        expected.append(np.mean(np.diff(values) >= 0))
    found = monotonicity(curved, X, R, steps=steps, baseline=START)
    np.testing.assert_allclose(found.per_example, expected)
    assert 0 < found.mean < 1


def test_rounding_is_no_fall():
    fn = lambda x: 1 - tf.reduce_sum(x, 1) * 1e-8  # noqa: E731
    assert monotonicity(fn, np.ones((1, 3), np.float32), np.ones((1, 3))).monotone.all()
    assert not monotonicity(fn, np.ones((1, 3)), np.ones((1, 3))).monotone.any()
