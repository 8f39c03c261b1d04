"""Tests of `metrics/ground_truth.py`; what is refused is in `errors_test.py`."""

import numpy as np
import pytest

from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.ground_truth import GroundTruth

PICTURES = np.random.default_rng(0).normal(size=(2, 3, 4, 2))
SERIES = np.random.default_rng(1).normal(size=(2, 5))


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 1)])
def test_masks_without_channels_tell_of_positions(shape):
    mask = (np.random.default_rng(2).random(shape) < 0.5).astype(np.float32)
    truth = GroundTruth.read(mask, Examples.read(PICTURES))
    np.testing.assert_array_equal(truth.inside, mask.reshape(2, 12) == 1)
    np.testing.assert_allclose(truth.relevance([PICTURES]), PICTURES.sum(3).reshape(2, 12))


def test_masks_of_elements_and_of_several_inputs():
    masks = {"series": SERIES > 0, "pictures": PICTURES > 0}
    truth = GroundTruth.read(masks, Examples.read({"pictures": PICTURES, "series": SERIES}))
    expected = np.hstack([PICTURES.reshape(2, 24), SERIES])
    np.testing.assert_array_equal(truth.inside, expected > 0)
    np.testing.assert_array_equal(truth.relevance([PICTURES, SERIES]), expected)
