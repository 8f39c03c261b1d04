"""Tests of `visualize/series.py`."""

import itertools
import sys

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from deepexplain_tf.visualize import series
from tests.checks import message_of, pairs_in_turn

RED, BLUE = (178, 24, 43), (33, 102, 172)
LINE = np.sin(np.linspace(0, 6, 60))


def _columns(picture, colour):
    pixels = np.asarray(picture)[:, : round(picture.width * 0.85)].astype(int)  # to the right stands the bar
    return np.argwhere((np.abs(pixels - colour) <= 2).all(2))[:, 1]


def test_colours_are_where_the_attributions_are():
    values = np.zeros(60)
    values[5:10], values[50:55] = 1.0, -1.0
    picture = series(values, LINE)
    red, blue = _columns(picture, RED), _columns(picture, BLUE)
    assert len(red) > 100 and len(blue) > 100
    assert red.max() < picture.width / 2 < blue.min()


def test_channels_are_panels_on_one_scale():
    values = np.zeros((60, 2))
    values[10:20, 0], values[10:20, 1] = 1.0, -0.2
    picture = series(values, np.stack([LINE, LINE], 1), ["load", "price"], percentile=100)
    assert len(_columns(picture, RED)) > 100
    assert len(_columns(picture, BLUE)) == 0  # -0.2 is pale where 1 is full
    assert picture.height > series(values[:, 0], LINE).height


@pytest.mark.parametrize(
    ("line", "count"), pairs_in_turn(itertools.product([np.zeros, np.ones, np.arange], [1, 2, 3, 700]), 3)
)
def test_any_length_and_line(count, line):
    assert isinstance(series(np.arange(count) - 1.0, line(count), title="$a_"), Image.Image)


def test_missing_values():
    values, line = np.ones(9), LINE[:9].copy()
    values[3], line[5] = np.nan, np.nan
    assert isinstance(series(values, line), Image.Image)


def test_what_is_refused(monkeypatch):
    message_of(lambda: series(np.zeros((2, 2, 2)), LINE), InputError, "attributions must be [steps, channels]")
    message_of(lambda: series([], []), InputError, "attributions must be [steps, channels]")
    message_of(lambda: series([1.0], [1.0, 2.0]), InputError, "a series must be [1, 1]")
    message_of(lambda: series([np.inf], [1.0]), InputError, "finite")
    message_of(lambda: series([1.0], [1.0], ["a", "b"]), InputError, "names must be one for each of 1")
    message_of(lambda: series(np.ones((9, 30)), np.ones((9, 30))), InputError, "at most 24 channels")
    message_of(lambda: series([1.0], [1.0], percentile=0), OptionError, "percentile")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: series([1.0], [1.0]), DeepExplainError, "plots")
