"""Tests of `features/xrai.py`."""

import ml_dtypes
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError, OptionError
from tests.checks import message_of

_GENERATOR = np.random.default_rng(0)
_VALUES = _GENERATOR.normal(size=(13, 11, 3))
_BOXES = [np.sort(_GENERATOR.integers(0, (14, 12), (2, 2)), axis=0) for _ in range(60)]
_REGIONS = np.zeros((60, 13, 11), bool)
for _region, ((_top, _left), (_bottom, _right)) in zip(_REGIONS, _BOXES, strict=True):
    _region[_top : _bottom + 1, _left : _right + 1] = True


def _published(values, regions, min_size=1):
    """The algorithm of the paper on `[elements]`: all means anew after each region."""
    found, covered, remaining = np.full(values.shape, np.nan), np.zeros(values.shape, bool), list(regions)
    while True:
        remaining = [region for region in remaining if (region & ~covered).sum() >= min_size]
        if not remaining:
            break
        best = max(remaining, key=lambda region: values[region & ~covered].mean())
        found[best & ~covered] = values[best & ~covered].mean()
        covered |= best
    if not covered.all():
        found[~covered] = values[~covered].mean()
    return found


@pytest.mark.parametrize("min_size", [1, 4, 1000])
@pytest.mark.parametrize("count", [60, 5, 1])
def test_it_is_the_published_algorithm(count, min_size, monkeypatch):
    monkeypatch.setattr("deepexplain_tf.features.xrai._BLOCK", 17)
    found = dx.xrai(_VALUES, _REGIONS[:count], min_size=min_size)
    expected = _published(_VALUES.sum(2), _REGIONS[:count], min_size)
    np.testing.assert_allclose(found.sum(2), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found, np.broadcast_to(found[..., :1], found.shape))
    np.testing.assert_allclose(found.sum(), _VALUES.sum(), rtol=1e-12)


def test_regions_of_single_elements_of_any_shape():
    masks = _GENERATOR.random((9, 4, 2, 3, 2)) < 0.3
    values = _GENERATOR.normal(size=masks.shape[1:])
    expected = _published(values.ravel(), masks.reshape(9, -1)).reshape(values.shape)
    np.testing.assert_allclose(dx.xrai(values, masks), expected, rtol=0, atol=1e-13)
    words = dx.xrai([3.0, 1.0, -1.0, 5.0], [[True, True, False, False], [False, False, True, True]])
    np.testing.assert_array_equal(words, 2)


def test_a_region_of_a_larger_mean_goes_before_one_of_a_larger_sum():
    values = np.array([[5.0, 5.0, 4.0, 4.0, 4.0, 4.0, 0.0, 0.0]])
    masks = np.array([[[1, 1, 0, 0, 0, 0, 0, 0]], [[0, 1, 1, 1, 1, 1, 0, 0]], [[0, 0, 1, 1, 1, 1, 1, 1]]], bool)
    np.testing.assert_array_equal(dx.xrai(values, masks), [[5, 5, 4, 4, 4, 4, 0, 0]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16, np.int32])
def test_dtypes(dtype):
    found = dx.xrai((10 * _VALUES).astype(dtype), list(_REGIONS))
    assert found.dtype == (np.float64 if dtype == np.int32 else dtype) and found.shape == _VALUES.shape


@pytest.mark.parametrize(
    "attributions",
    [
        np.full((13, 11), np.nan),
        np.full((13, 11), np.inf),
        np.zeros((0, 11)),
        np.zeros((13, 11), complex),
        [[1, 2], [1]],
        "a",
        None,
    ],
    ids=str,
)
def test_what_are_not_attributions(attributions):
    message_of(lambda: dx.xrai(attributions, _REGIONS), InputError, "attributions must be")


@pytest.mark.parametrize(
    "regions",
    [
        _REGIONS.astype(int),
        _REGIONS[0],
        _REGIONS[:0],
        _REGIONS[:, :4],
        _REGIONS[..., np.newaxis],
        [[True], [True, False]],
        True,
        None,
    ],
    ids=lambda regions: str(np.shape(regions)) if isinstance(regions, np.ndarray) else str(regions),
)
def test_what_are_not_regions(regions):
    message_of(lambda: dx.xrai(_VALUES, regions), InputError, "regions must be")


def test_a_batch_is_not_one_example():
    message_of(lambda: dx.xrai(_VALUES[np.newaxis], _REGIONS), InputError, "of one example")
    message_of(lambda: dx.xrai(_VALUES[0, 0], _REGIONS[:, 0, 0]), InputError, "regions must be")


@pytest.mark.parametrize("min_size", [0, 1.0, "a", True, None])
def test_options_out_of_range(min_size):
    message_of(lambda: dx.xrai(_VALUES, _REGIONS, min_size=min_size), OptionError, "min_size must be")
