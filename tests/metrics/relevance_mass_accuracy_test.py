"""Tests of `metrics/relevance_mass_accuracy.py`."""

import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.metrics import relevance_mass_accuracy

X = np.zeros((4, 3))


def test_known_scores():
    """Of 3 + 1 that are positive, 3 lie inside; where nothing is positive, or nothing inside, there is no score."""
    attributions = np.array([[3.0, -5.0, 1.0], [3.0, -5.0, 1.0], [-1.0, 0.0, -2.0], [1.0, 1.0, 1.0]])
    masks = np.array([[1, 1, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]])
    found = relevance_mass_accuracy(X, attributions, masks)
    np.testing.assert_allclose(found.per_example, [3 / 4, 0, np.nan, np.nan])


@pytest.mark.parametrize("scale", [1.0, 1e-310, 1e308])
def test_equals_its_definition(scale):
    generator = np.random.default_rng(0)
    attributions, masks = generator.uniform(-1, 1, (3, 4, 5)), generator.random((3, 4, 5)) < 0.4
    expected = []
    for relevance, mask in zip(attributions, masks, strict=True):
        inside = [value for value, chosen in zip(relevance.ravel(), mask.ravel(), strict=True) if chosen and value > 0]
        expected.append(sum(inside) / sum(value for value in relevance.ravel() if value > 0))
    found = relevance_mass_accuracy(np.zeros((3, 4, 5)), attributions * scale, masks)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_under_its_other_name():
    assert dx.metrics.METRICS["localisation"].function is relevance_mass_accuracy
