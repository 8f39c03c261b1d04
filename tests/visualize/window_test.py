"""Tests of `visualize/window.py`."""

import numpy as np
import pytest

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import window


def test_the_picture_is_as_bright_as_the_sum_of_absolute_attributions():
    image = np.array([[[200, 100, 50], [200, 100, 50], [200, 100, 50]]], np.uint8)
    attributions = np.array([[[2.0, -2.0], [-1.0, 0.0], [0.0, 0.0]]])
    picture = np.asarray(window(attributions, image, percentile=100))
    np.testing.assert_array_equal(picture, [[[200, 100, 50], [50, 25, 12], [0, 0, 0]]])


def test_the_sign_is_lost():
    rng = np.random.default_rng(0)
    attributions, image = rng.normal(size=(5, 6, 3)), rng.random((5, 6, 3))
    assert window(attributions, image) == window(-attributions, image)


def test_it_is_the_published_formula():
    rng = np.random.default_rng(0)
    attributions = rng.normal(size=(8, 9, 3))
    image = rng.integers(0, 256, (8, 9, 3), np.uint8)
    summed = np.abs(attributions).sum(-1)
    mask = np.clip(summed / np.percentile(summed, 80), 0, 1)
    np.testing.assert_allclose(window(attributions, image, percentile=80), image * mask[..., None], atol=0.51)


def test_zero_is_black_and_uncovered_features_are_grey():
    image = np.full((1, 2), 255, np.uint8)
    np.testing.assert_array_equal(window(np.zeros((1, 2)), image), np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(window([[np.nan, 1.0]], image), [[[217] * 3, [255] * 3]])


def test_infinities_are_refused():
    with pytest.raises(InputError, match="infinity"):
        window([[np.inf]], [[1.0]])
