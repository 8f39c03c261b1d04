"""Tests of `features/segments.py`."""

import sys

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import EVALUATING, explain, message_of

_QUARTERS = np.repeat(np.repeat([[0, 1], [2, 3]], 8, axis=0), 8, axis=1)
_COLOURS = np.array([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1], [0.1, 0.1, 0.9], [0.9, 0.9, 0.1]])
_PICTURE = _COLOURS[_QUARTERS] + np.random.default_rng(0).normal(0, 0.02, (16, 16, 3))


@pytest.mark.parametrize("scale", [1, 255, -3])
def test_parts_of_one_colour_are_found_at_any_scale(scale):
    found = dx.features.segments(_PICTURE * scale, 4)
    assert found.shape == (16, 16, 3) and found.dtype == np.int32
    np.testing.assert_array_equal(found, np.broadcast_to(_QUARTERS[..., None], found.shape))


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1), (9, 7, 2), (9, 7, 5), (1, 6), (1, 1, 3)], ids=str)
def test_any_channels_and_none(shape):
    found = dx.features.segments(np.random.default_rng(1).normal(size=shape), 1 + shape[0] // 2)
    assert found.shape == shape and found.dtype == np.int32
    np.testing.assert_array_equal(np.unique(found), np.arange(found.max() + 1))
    if len(shape) == 3:
        assert (found == found[..., :1]).all()


def test_a_constant_picture_of_bytes_has_parts_too():
    assert len(np.unique(dx.features.segments(np.zeros((10, 10, 3), np.uint8), 4))) == 4


@pytest.mark.parametrize("method", EVALUATING)
def test_methods_take_them_as_groups(method):
    weights = np.random.default_rng(2).normal(size=_PICTURE.shape)
    groups = dx.features.segments(_PICTURE, 4)
    e = explain(lambda x: tf.reduce_sum(x * weights, [1, 2, 3]), method, _PICTURE[np.newaxis], groups=groups, seed=0)
    effects = np.bincount(groups.ravel(), (_PICTURE * weights).ravel())
    share = {"rise": 0.5, "lime": 0.9}.get(method, 1)  # of a feature's effect, on an additive model
    np.testing.assert_allclose(e.attributions[0], share * effects[groups], atol=0.1 * np.abs(effects).max())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 8, 8, 3)),
        np.zeros(8),
        np.zeros((0, 3)),
        "a",
        None,
        [[1, 2], [1]],
        np.full((4, 4), np.nan),
        np.ones((4, 4), complex),
    ],
    ids=lambda image: str(np.shape(image)) if isinstance(image, np.ndarray) else str(image),
)
def test_what_is_not_one_picture(image):
    message_of(lambda: dx.features.segments(image, 2), InputError, "image must be")


@pytest.mark.parametrize(
    ("option", "arguments"),
    [("n", {"n": n}) for n in (0, 17, 2.0, True, None, "4")]
    + [("compactness", {"n": 4, "compactness": value}) for value in (0, -1, "a", float("nan"), True)],
    ids=str,
)
def test_options_out_of_range(option, arguments):
    message_of(lambda: dx.features.segments(np.zeros((4, 4)), **arguments), OptionError, f"{option} must be")


def test_without_scikit_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    message_of(lambda: dx.features.segments(_PICTURE, 4), dx.DeepExplainError, "pip install 'deepexplain_tf[segments]'")
