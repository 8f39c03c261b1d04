"""Tests of `features/regions.py`."""

import sys

import numpy as np
import pytest
from scipy import ndimage

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of

_QUARTERS = np.repeat(np.repeat([[0, 1], [2, 3]], 112, axis=0), 112, axis=1)
_COLOURS = np.array([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9], [0.9, 0.9, 0.1]])
_PICTURE = _COLOURS[_QUARTERS]


@pytest.mark.parametrize("scale", [1, 255, -3])
def test_each_scale_has_parts_of_one_colour_whatever_the_values(scale):
    """The picture is blurred a little first, so that its edges are parts of their own."""
    found = dx.features.regions(_PICTURE * scale, (500, 1200), dilation=0)
    assert found.shape[1:] == (224, 224) and found.dtype == bool
    np.testing.assert_array_equal(found.sum(0), 2)  # one part of each scale
    large = found[found.sum((1, 2)) > 5000]
    corners = np.argwhere(large[:, 4::215, 4::215])
    np.testing.assert_array_equal(corners[:, 1:], [[0, 0], [0, 1], [1, 0], [1, 1]] * 2)
    for mask, (_, down, right) in zip(large, corners, strict=True):
        assert mask[112 * down : 112 * (down + 1), 112 * right : 112 * (right + 1)].sum() == mask.sum() > 107**2


def test_parts_are_widened_by_a_radius():
    bare, wide = (dx.features.regions(_PICTURE, [500], dilation=radius) for radius in (0, 8))
    for mask, wider in zip(bare, wide, strict=True):
        np.testing.assert_array_equal(wider, ndimage.distance_transform_edt(~mask) <= 8)


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 2), (300, 5, 3), (1, 6), (1, 1, 3)], ids=str)
def test_any_size_and_up_to_three_channels(shape):
    found = dx.features.regions(np.random.default_rng(1).normal(size=shape), [1200])
    assert found.shape[1:] == shape[:2] and found.any((1, 2)).all() and found.any(0).all()
    assert dx.xrai(np.ones(shape), found).shape == shape


def test_a_constant_picture_of_bytes_is_one_part_at_each_scale():
    np.testing.assert_array_equal(
        dx.features.regions(np.zeros((10, 10, 3), np.uint8), (50, 1200)), np.ones((2, 10, 10))
    )


@pytest.mark.parametrize(
    "image",
    [np.zeros((2, 8, 8, 3)), np.zeros(8), np.zeros((8, 8, 4)), np.zeros((0, 3)), "a", None, np.full((4, 4), np.nan)],
    ids=lambda image: str(np.shape(image)) if isinstance(image, np.ndarray) else str(image),
)
def test_what_is_not_one_picture(image):
    message_of(lambda: dx.features.regions(image), InputError, "image must ")


@pytest.mark.parametrize(
    ("option", "arguments"),
    [("scales", {"scales": value}) for value in ((), (0,), (50, "a"), 50, "50", None, (True,), ([1],))]
    + [("dilation", {"dilation": value}) for value in (-1, 101, 2.0, True, None)],
    ids=str,
)
def test_options_out_of_range(option, arguments):
    message_of(lambda: dx.features.regions(np.zeros((4, 4)), **arguments), OptionError, f"{option} must be")


def test_without_scikit_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    message_of(lambda: dx.features.regions(_PICTURE), dx.DeepExplainError, "pip install 'deepexplain_tf[segments]'")
