"""Tests of `visualize/overlay.py` and the pictures it takes."""

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import heat_map, overlay


def _photo(height=6, width=4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_without_attributions_one_sees_the_faded_grey_picture():
    image = _photo()
    grey = np.asarray(Image.fromarray(image).convert("L")).astype(float)
    picture = np.asarray(overlay(np.zeros((6, 4)), image, fade=0.25))
    np.testing.assert_allclose(picture, np.repeat(255 - 0.75 * (255 - grey)[..., None], 3, -1), atol=0.51)


def test_full_fade_leaves_the_heat_map():
    attributions = np.random.default_rng(1).normal(size=(6, 4, 3))
    assert overlay(attributions, _photo(), fade=1) == heat_map(attributions)


def test_on_a_white_picture_one_sees_the_heat_map():
    attributions = np.random.default_rng(1).normal(size=(6, 4))
    assert overlay(attributions, np.full((6, 4), 255, np.uint8)) == heat_map(attributions)


def test_hand_computed_pixel():
    # Grey 0.2, fade 0.5: the factor is 1 - 0.5 * 0.8 = 0.6 of red (178, 24, 43).
    picture = np.asarray(overlay([[1.0]], np.full((1, 1, 3), 51, np.uint8), fade=0.5))
    np.testing.assert_array_equal(picture, [[(107, 14, 26)]])


@pytest.mark.parametrize(
    "image",
    [
        np.array([[0.0, 0.5], [0.25, 1.0]]),
        np.array([[-3.0, -1.0], [-2.0, 1.0]], np.float16),
        np.array([[100, 300], [200, 500]]),
    ],
)
def test_other_numbers_are_rescaled_from_their_minimum_and_maximum(image):
    as_bytes = np.array([[0, 128], [64, 255]], np.uint8)
    for shaped in (image, image[..., None], np.repeat(image[..., None], 3, -1)):
        assert overlay(np.eye(2), shaped) == overlay(np.eye(2), as_bytes)


def test_a_constant_picture_is_mid_grey_and_bytes_are_as_they_are():
    assert overlay(np.eye(2), np.full((2, 2), 7.5)) == overlay(np.eye(2), np.full((2, 2), 128, np.uint8))
    assert overlay(np.eye(2), np.full((2, 2), 9, np.uint8)) != overlay(np.eye(2), np.full((2, 2), 128, np.uint8))


def test_pil_images_and_batches_of_one_are_taken():
    image, attributions = _photo(), np.random.default_rng(1).normal(size=(6, 4, 3))
    expected = overlay(attributions, image)
    assert overlay(attributions[None], image[None]) == expected
    assert overlay(attributions, Image.fromarray(image)) == expected
    assert overlay(attributions, Image.fromarray(image).convert("RGBA")) == expected


def test_a_coarse_map_covers_a_larger_picture():
    coarse = np.array([[1.0, 0.0], [0.0, -1.0]])
    fine = np.array([[1, 1, 0, 0]] * 3 + [[0, 0, -1, -1]] * 3, float)
    assert overlay(coarse, _photo()) == overlay(fine, _photo())


@pytest.mark.parametrize("shape", [(4, 6), (6, 5), (12, 8), (6, 3)])
def test_sizes_that_do_not_fit_are_refused(shape):
    with pytest.raises(InputError, match=r"whole multiples.*\(6, 4\)"):
        overlay(np.ones(shape), _photo())


@pytest.mark.parametrize(
    "image", [np.zeros(4, np.uint8), np.zeros((2, 2, 2)), np.zeros((2, 2, 2, 3)), np.zeros((0, 2)), [["a"]]]
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(InputError, match="picture"):
        overlay(np.ones((2, 2)), image)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pictures_are_finite(value):
    with pytest.raises(InputError, match="finite"):
        overlay(np.ones((1, 2)), [[0.0, value]])


@pytest.mark.parametrize("fade", [-0.1, 1.1])
def test_fades_out_of_range_are_refused(fade):
    with pytest.raises(OptionError, match="fade"):
        overlay(np.ones((2, 2)), np.ones((2, 2)), fade=fade)
