"""Tests of `metrics/pixel_flipping.py`."""

import numpy as np
import pytest
import tensorflow as tf

from deepexplain_tf.metrics import deletion, pixel_flipping
from tests.checks import total

X = np.array([[3.0, 1.0, 2.0], [1.0, 1.5, 5.0]])
GENERATOR = np.random.default_rng(0)
W, PICTURES, R = GENERATOR.normal(size=(4, 2)), *GENERATOR.normal(size=(2, 3, 4, 2))


@pytest.mark.parametrize(
    ("order", "curve"),
    [("morf", [[6, 3, 1], [7.5, 2.5, 1]]), ("lerf", [[6, 5, 3], [7.5, 6.5, 5]])],
)
def test_known_scores(order, curve):
    """With 3 and 2, or 1 and 2, replaced by zero: the AOPC is (0 + 3 + 5) / 3 or (0 + 1 + 3) / 3."""
    found = pixel_flipping(total, X, X, order=order, steps=2, replacement="baseline")
    np.testing.assert_allclose(found.curve, curve)
    np.testing.assert_allclose(found.per_example, [np.mean(row[0] - np.array(row)) for row in curve])
    np.testing.assert_allclose(found.mean_curve, np.mean(curve, 0))


@pytest.mark.parametrize("order", ["morf", "lerf"])
@pytest.mark.parametrize("value_range", [None, (2.0, 3.0)])
def test_equals_its_definition(order, value_range):
    """One example, one feature at a time; each element of it gets a value of its own."""
    f = lambda x: np.tanh(x * W).sum()  # noqa: E731
    low, high = value_range or (PICTURES.min(), PICTURES.max())
    values = np.random.default_rng((5, 1)).uniform(low, high, PICTURES.shape)
    expected = []
    for x, relevance, value in zip(PICTURES.copy(), R, values, strict=True):
        places = np.argsort(relevance.sum(1))[:: -1 if order == "morf" else 1]
        curve = [f(x)]
        for place in places[:3]:
            x[place] = value[place]
            curve.append(f(x))
        expected.append(np.sum(curve[0] - np.array(curve)) / 4)
    fn = lambda x: tf.reduce_sum(tf.tanh(x * W), [1, 2])  # noqa: E731
    found = pixel_flipping(fn, PICTURES, R, order=order, steps=3, value_range=value_range, groups="positions", seed=5)
    np.testing.assert_allclose(found.per_example, expected, rtol=1e-9)


def test_to_the_last_feature_its_curve_is_that_of_deletion():
    found = pixel_flipping(total, X, X[::-1], replacement="baseline", baseline=0.5)
    np.testing.assert_array_equal(found.curve, deletion(total, X, X[::-1], baseline=0.5).curve)


def test_the_values_are_the_same_for_all_attributions():
    found = pixel_flipping(total, X, {"one": X, "other": -X}, seed=0)
    np.testing.assert_allclose(found["one"].curve[:, -1], found["other"].curve[:, -1])
    assert (found["one"].curve[:, 1] != found["other"].curve[:, 1]).all()


def test_the_values_are_not_the_inputs_of_the_same_seed():
    x = np.random.default_rng(0).uniform(0, 1, (2, 5))
    found = pixel_flipping(total, x, x, value_range=(0.0, 1.0), seed=0)
    assert (np.abs(np.diff(found.curve)) > 1e-6).all()
