"""Tests of `metrics/pointing_game.py`."""

import numpy as np
import pytest

from deepexplain_tf.metrics import pointing_game


def test_known_scores():
    """The peak at (0, 0) is √2 from a mask at (1, 1), 2 from one at (0, 2), and √8 from one at (2, 2)."""
    x = np.zeros((4, 3, 3))
    attributions, masks = x.copy(), x.copy()
    attributions[:, 0, 0] = 5
    masks[0, 1, 1] = masks[1, 0, 2] = masks[2, 2, 2] = 1
    for tolerance, hits in [(0, [0, 0, 0]), (1.4, [0, 0, 0]), (1.5, [1, 0, 0]), (2, [1, 1, 0]), (15, [1, 1, 1])]:
        found = pointing_game(x, attributions, masks, tolerance=tolerance)
        np.testing.assert_array_equal(found.per_example, [*hits, np.nan])


@pytest.mark.parametrize("tolerance", [0, 1, 2.5, 4])
def test_equals_its_definition(tolerance):
    """All pairs of a most relevant pixel and a pixel of the mask; with channels, and with several peaks."""
    generator = np.random.default_rng(0)
    attributions = generator.integers(-1, 2, (8, 7, 9, 2)).astype(float)
    masks = generator.random((8, 7, 9)) < 0.02
    masks[:, 0, 0] = True
    expected = []
    for relevance, mask in zip(attributions.sum(3), masks, strict=True):
        peaks, inside = np.argwhere(relevance == relevance.max()), np.argwhere(mask)
        distances = np.linalg.norm(peaks[:, np.newaxis] - inside, axis=2)
        expected.append((distances.min(1) <= tolerance).mean())
    found = pointing_game(np.zeros((8, 7, 9, 2)), attributions, masks, tolerance=tolerance)
    np.testing.assert_allclose(found.per_example, expected)
    assert 0 < found.mean < 1


def test_the_peak_of_all_inputs_counts():
    x = [np.zeros((2, 3)), np.zeros((2, 2))]
    attributions = [np.array([[1.0, 0, 0], [1, 0, 3]]), np.array([[0.0, 2], [2, 0]])]
    masks = [np.array([[1, 0, 0]] * 2), np.array([[1, 0]] * 2)]
    np.testing.assert_array_equal(pointing_game(x, attributions, masks).per_example, [0, 0])
    np.testing.assert_array_equal(pointing_game(x, attributions, masks, tolerance=1).per_example, [1, 0])
