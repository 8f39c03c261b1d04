"""Tests of `metrics/confidence.py`: what a map shows of the inputs."""

import numpy as np
import tensorflow as tf

from deepexplain_tf.metrics import average_drop

GENERATOR = np.random.default_rng(0)
X, START, R = GENERATOR.uniform(0, 1, (3, 4, 3, 2))
TOKENS = np.array([[1, 2]] * 4)


def shown_to(inputs, attributions, **options):
    """Returns what a function is called with at the second point of each example."""
    seen = []

    def fn(x):
        seen.append([np.array(array) for array in tf.nest.flatten(x)])
        return np.full(4, 0.5)

    average_drop(fn, inputs, attributions, **options)
    return seen[-1]


def test_the_normalised_positive_relevance_of_each_feature():
    signed = R - 0.3
    expected = []
    for x, start, relevance in zip(X, START, signed, strict=True):
        of_position = np.maximum(relevance.sum(1), 0)
        weight = (of_position / of_position.max())[:, np.newaxis]
        expected.append(start * (1 - weight) + x * weight)
    (found,) = shown_to(X, signed, baseline=START, groups="positions")
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    (found,) = shown_to(X, signed)
    np.testing.assert_allclose(found, X * np.maximum(signed, 0) / signed.max((1, 2), keepdims=True), rtol=1e-12)


def test_other_inputs_stay():
    x, tokens = shown_to([X, TOKENS], [R, np.ones((4, 2))])
    np.testing.assert_array_equal(tokens, TOKENS)
    np.testing.assert_allclose(x, X * R)  # 1 is the largest relevance
