"""Tests of `visualize/contour.py` and `visualize/panels.py`, and of the options that pictures share."""

import sys

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from deepexplain_tf.visualize import contour, heat_map, overlay, panels, window
from tests.checks import message_of

YELLOW = (255, 221, 0)
PHOTO = np.random.default_rng(0).integers(0, 200, (224, 224, 3), np.uint8)


def _line(picture):
    return np.argwhere((np.asarray(picture) == YELLOW).all(2))


def test_a_line_runs_around_what_matters_most():
    values = np.zeros((224, 224))
    values[50:70, 100:130] = 1.0
    line = _line(contour(values, PHOTO, top=50))
    assert [*line.min(0), *line.max(0)] == [50, 100, 69, 129]
    assert len(line) == 2 * (20 + 30) - 4
    np.testing.assert_array_equal(np.asarray(contour(values, PHOTO))[:40], PHOTO[:40])


def test_the_share_of_pixels_inside():
    values = np.arange(224 * 224.0).reshape(224, 224) + 1
    line = _line(contour(values, PHOTO, top=25))
    assert line.min(0)[0] == 168


def test_signs_are_chosen():
    values = np.zeros((224, 224))
    values[10:20, 10:20], values[100:120, 100:120] = -1.0, 0.5
    assert _line(contour(values, PHOTO, sign="positive")).min() == 100
    assert _line(contour(values, PHOTO, sign="negative")).max() == 19


def test_small_pictures_are_enlarged():
    assert contour(np.eye(8), np.zeros((8, 8, 3), np.uint8)).size == (224, 224)
    assert len(_line(contour(np.zeros((8, 8)), np.zeros((8, 8, 3), np.uint8)))) == 0


def test_what_a_contour_refuses():
    for top in (0, 101, np.nan):
        message_of(lambda top=top: contour(np.eye(8), PHOTO, top=top), OptionError, "top must be in (0, 100]")
    message_of(lambda: contour(np.eye(9), PHOTO), InputError, "whole multiples")


def test_one_sign_alone():
    values = np.array([[1.0, -1.0]])
    white = (255, 255, 255)
    for sign, place in (("positive", 1), ("negative", 0)):
        pixels = np.asarray(heat_map(values, sign=sign))
        assert tuple(pixels[0, place]) == white and tuple(pixels[0, 1 - place]) != white
        shown = np.asarray(overlay(values, np.full((1, 2), 255, np.uint8), sign=sign))
        assert tuple(shown[0, place]) == white
    message_of(lambda: heat_map(values, sign="+"), OptionError, "sign must be one of 'both', 'positive', 'negative'")


@pytest.mark.parametrize("draw", [heat_map, lambda v, **o: overlay(v, v, **o), lambda v, **o: window(v, v, **o)])
def test_one_scale_for_several_pictures(draw):
    small, large = np.array([[1.0, 0.5]]), np.array([[2.0, 1.0]])
    assert draw(small, limit=2.0) != draw(small)
    assert draw(large, limit=2.0) == draw(large, percentile=100)
    for limit in (0, -1.0, np.inf, "1"):
        message_of(lambda limit=limit: draw(small, limit=limit), OptionError, "limit must be a number > 0")


MAPS = {"deeplift": np.eye(8), "saliency": 0.1 * np.eye(8)}


def test_panels_show_each_method_once():
    red = lambda picture: (np.abs(np.asarray(picture).astype(int) - (178, 24, 43)) <= 2).all(2).sum()  # noqa: E731
    apart, together = panels(MAPS), panels(MAPS, shared=True)
    assert red(apart) > 1.5 * red(together)  # on one scale the second is pale
    assert panels(MAPS, np.zeros((8, 8, 3), np.uint8)).width > apart.width
    assert panels(dict.fromkeys("abcdef", np.eye(4)), title="$six").height > apart.height
    assert isinstance(panels({"a": np.zeros((2, 2))}, sign="positive"), Image.Image)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_input_is_as_large_and_as_high_as_the_maps(count):
    """Below the input there is no bar, but room for one; its title is whole."""
    drawn = np.asarray(panels(dict.fromkeys("abc"[:count], np.ones((8, 8))), np.zeros((8, 8, 3), np.uint8)))
    filled = (drawn < 250).any(2)
    places = []
    for column in np.array_split(filled, count + 1, axis=1):
        wide = column.mean(1) > 0.8  # rows of the picture, and of the bar below it
        top = wide.argmax()
        places.append((top, top + wide[top:].argmin()))
    assert max(np.ptp(places, axis=0)) <= 1
    assert not filled[0].any()


def test_what_panels_refuse(monkeypatch):
    message_of(lambda: panels({}), InputError, "panels show at least one method")
    message_of(lambda: panels(MAPS, shared=1), OptionError, "shared must be True or False")
    message_of(lambda: panels(MAPS, sign="none"), OptionError, "sign must be")
    message_of(lambda: panels(MAPS, np.zeros((9, 9))), InputError, "whole multiples")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: panels(MAPS), DeepExplainError, "plots")
