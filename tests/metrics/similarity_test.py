"""Tests of `metrics/similarity.py`; what is refused is in `errors_test.py`."""

import sys

import numpy as np
import pytest
import skimage.metrics

from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.similarity import read_similarity
from tests.checks import message_of

SHAPE = (3, 16, 20, 2)
BEFORE, NOISE = np.random.default_rng(0).normal(size=(2, *SHAPE)).cumsum(2)
AFTER = BEFORE + NOISE * np.array([0.1, 0.5, 2.0])[:, np.newaxis, np.newaxis, np.newaxis]


def similarity(name, before, after, absolute=False):
    measure = read_similarity(name, Examples.read(before), absolute)
    return measure(before.reshape(len(before), -1), after.reshape(len(after), -1))


def stretched(attributions):
    picture = attributions.sum(2)
    return (picture - picture.min()) / (picture.max() - picture.min())


@pytest.mark.parametrize("absolute", [False, True])
def test_ssim_is_that_of_scikit_image(absolute):
    sign = np.abs if absolute else np.asarray
    expected = [
        skimage.metrics.structural_similarity(
            stretched(sign(before)),
            stretched(sign(after)),
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for before, after in zip(BEFORE, AFTER, strict=True)
    ]
    found = similarity("ssim", BEFORE, AFTER, absolute)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert (np.diff(found) < 0).all()


def gradients(picture, cell):
    """Histograms of oriented gradients, written out: nine unsigned orientations, one block of 3 × 3 cells."""
    rows, columns = np.zeros_like(picture), np.zeros_like(picture)
    rows[1:-1], columns[:, 1:-1] = picture[2:] - picture[:-2], picture[:, 2:] - picture[:, :-2]
    size, angle = np.hypot(rows, columns), np.rad2deg(np.arctan2(rows, columns)) % 180
    blocks = np.zeros((picture.shape[0] // cell, picture.shape[1] // cell, 9))
    for row, column, number in np.ndindex(blocks.shape):
        place = np.s_[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
        inside = (angle[place] >= 20 * number) & (angle[place] < 20 * (number + 1))
        blocks[row, column, number] = size[place][inside].sum() / cell**2
    found = []
    for row, column in np.ndindex(blocks.shape[0] - 2, blocks.shape[1] - 2):
        block = blocks[row : row + 3, column : column + 3]
        block = np.minimum(block / np.sqrt((block**2).sum() + 1e-10), 0.2)
        found.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.ravel(found)


def test_hog_equals_its_definition():
    expected = [
        np.corrcoef(gradients(stretched(before), 5), gradients(stretched(after), 5))[0, 1]
        for before, after in zip(BEFORE, AFTER, strict=True)
    ]
    np.testing.assert_allclose(similarity("hog", BEFORE, AFTER), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["spearman", "ssim", "hog"])
def test_constant_attributions_have_no_similarity(name):
    after = AFTER.copy()
    after[1] = 0.5
    found = similarity(name, BEFORE, after)
    np.testing.assert_array_equal(np.isnan(found), [False, True, False])


def test_pictures_without_channels():
    np.testing.assert_array_equal(similarity("ssim", BEFORE.sum(3), AFTER.sum(3)), similarity("ssim", BEFORE, AFTER))


def test_attributions_of_another_shape_are_no_pictures():
    measure = read_similarity("ssim", Examples.read(BEFORE), absolute=False)
    assert "in the shape of the pictures, [16, 20, 2]" in message_of(lambda: measure(np.ones((3, 4)), np.ones((3, 4))))


def test_hog_needs_scikit_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    message = message_of(lambda: read_similarity("hog", Examples.read(BEFORE), absolute=False))
    assert message == "similarity='hog' needs scikit-image: pip install 'deepexplain_tf[segments]'"
