"""Tests of `visualize/heat_map.py` and the colours and inputs under it."""

import ml_dtypes
import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import heat_map

WHITE, RED, BLUE, GREY = (255, 255, 255), (178, 24, 43), (33, 102, 172), (217, 217, 217)


def _pixels(*args, **kwargs) -> np.ndarray:
    return np.asarray(heat_map(*args, **kwargs))


def test_zero_is_white_and_the_largest_sizes_have_the_full_colours():
    picture = heat_map(np.array([[-2.0, 0.0, 2.0], [0.0, -2.0, 0.0]]))
    assert picture.mode == "RGB"
    assert picture.size == (3, 2)
    expected = [[BLUE, WHITE, RED], [WHITE, BLUE, WHITE]]
    np.testing.assert_array_equal(np.asarray(picture), expected)


def test_one_scale_serves_both_signs():
    # A weak negative stays pale beside a strong positive: halfway to blue would be (146, 197, 222) at -0.5.
    picture = _pixels([[4.0, -2.0, 0.0]], percentile=100)
    np.testing.assert_array_equal(picture[0], [RED, (146, 197, 222), WHITE])


def test_colours_get_darker_with_the_size():
    ramp = _pixels([np.linspace(-1, 1, 201)], percentile=100)[0].astype(int) @ [299, 587, 114]
    assert np.all(np.diff(ramp[:101]) >= 0)
    assert np.all(np.diff(ramp[100:]) <= 0)
    assert np.all(np.diff(ramp[::5])[:20] > 0)
    assert np.all(np.diff(ramp[::5])[20:] < 0)


def test_positive_is_redder_than_blue_and_negative_the_reverse():
    values = np.linspace(0.05, 1, 20)
    for_target, against = _pixels([values])[0].astype(int), _pixels([-values])[0].astype(int)
    assert np.all(for_target[:, 0] > for_target[:, 2])
    assert np.all(against[:, 0] < against[:, 2])


def test_a_positive_factor_changes_nothing():
    values = np.random.default_rng(0).normal(size=(9, 7, 3))
    for factor in (1e-30, 3.0, 1e30):
        np.testing.assert_array_equal(_pixels(values * factor), _pixels(values))


def test_channels_are_summed():
    values = np.zeros((2, 2, 3))
    values[0, 0] = [1, -1, 0]
    values[1, 1] = [1, 1, 2]
    np.testing.assert_array_equal(_pixels(values), [[WHITE, WHITE], [WHITE, RED]])


def test_sizes_above_the_percentile_are_clipped():
    values = np.concatenate([np.full(99, 1.0), [1000.0]])
    assert tuple(_pixels(values, percentile=90)[0, 0]) == RED
    assert tuple(_pixels(values, percentile=100)[0, 0]) != RED


def test_a_few_attributions_among_zeros_are_seen():
    values = np.zeros((30, 30))
    values[3, 4] = -0.1
    picture = _pixels(values)
    assert tuple(picture[3, 4]) == BLUE
    assert (picture == 255).all(axis=-1).sum() == 899


def test_all_zero_is_white():
    np.testing.assert_array_equal(_pixels(np.zeros((4, 5, 3))), np.full((4, 5, 3), 255))


def test_uncovered_features_are_grey_and_do_not_change_the_scale():
    values = np.array([[[np.nan, np.nan], [1.0, np.nan], [-0.5, -0.5]]])
    np.testing.assert_array_equal(_pixels(values)[0], [GREY, RED, BLUE])
    np.testing.assert_array_equal(_pixels(np.full((2, 2), np.nan)), np.full((2, 2, 3), 217))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16, np.int32, np.uint8])
def test_dtypes(dtype):
    np.testing.assert_array_equal(_pixels(np.array([[0, 3]], dtype)), [[WHITE, RED]])


def test_a_batch_of_one_is_one_example():
    values = np.random.default_rng(0).normal(size=(5, 4, 3))
    assert heat_map(values[None]) == heat_map(values)


def test_features_and_sequences_are_strips():
    features = np.array([1.0, 0.0, -1.0])
    np.testing.assert_array_equal(_pixels(features), [[RED, WHITE, BLUE]])
    sequence = np.stack([features, features], axis=-1)
    assert heat_map(sequence[None]) == heat_map(features)
    assert heat_map(sequence).size == (2, 3)


@pytest.mark.parametrize("shape", [(), (2, 4, 4, 3), (1, 2, 4, 4, 3), (0, 4), (4, 4, 0)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="one example at a time"):
        heat_map(np.zeros(shape))


@pytest.mark.parametrize("values", [[[np.inf, 0]], [[-np.inf, np.inf]], [["a"]], [[1j]], [[None]]])
def test_what_is_no_finite_number_is_refused(values):
    with pytest.raises(InputError):
        heat_map(np.array(values))


@pytest.mark.parametrize("percentile", [0, -1, 100.5, float("nan")])
def test_percentiles_out_of_range_are_refused(percentile):
    with pytest.raises(OptionError, match=r"\(0, 100\]"):
        heat_map(np.ones((2, 2)), percentile=percentile)


def test_the_result_is_a_pil_image():
    assert isinstance(heat_map(np.ones((2, 2))), Image.Image)
