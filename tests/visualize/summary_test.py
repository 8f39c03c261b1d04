"""Tests of `visualize/summary.py` and `visualize/beeswarm.py`."""

import sys

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from deepexplain_tf.visualize import beeswarm, summary
from tests.checks import message_of

R = np.random.default_rng(0)


def _ink(picture, colour, within=3):
    return np.argwhere((np.abs(np.asarray(picture).astype(int) - colour) <= within).all(2))


def test_lengths_are_means_of_sizes():
    # Of b: mean |·| = 2, of a: 1, though the means with sign are 0 and 1.
    picture = summary([[1.0, -2.0], [1.0, 2.0]], ["a", "b"])
    grey = _ink(picture, (82, 82, 82))
    rows = np.unique(grey[:, 0])
    lengths = np.array([(grey[:, 0] == row).sum() for row in rows])
    tall = lengths[lengths > 40]
    assert tall[0] == pytest.approx(2 * tall[-1], rel=0.03)


def test_missing_attributions_are_left_out():
    with_gaps = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    assert isinstance(summary(with_gaps), Image.Image)
    assert isinstance(beeswarm(with_gaps), Image.Image)


def test_points_stand_where_their_attributions_are():
    picture = beeswarm(np.array([[-1.0, 0.1], [1.0, 0.1]]), ["wide", "narrow"])
    points = _ink(picture, (82, 82, 82), 8)
    first_row = points[points[:, 0] < points[:, 0].mean()]
    assert np.ptp(first_row[:, 1]) > 200


def test_values_colour_the_points():
    values = np.linspace(-1, 1, 40)[:, None]
    plain, coloured = beeswarm(values), beeswarm(values, inputs=np.arange(40)[:, None])
    saturation = lambda picture: np.ptp(np.asarray(picture).astype(int), axis=2).max()  # noqa: E731
    assert saturation(plain) < 10 < saturation(coloured)


def test_points_of_one_place_do_not_cover_each_other():
    picture = beeswarm(np.full((9, 1), 0.5))
    points = _ink(picture, (82, 82, 82), 8)
    assert np.ptp(points[:, 0]) > 10


@pytest.mark.parametrize(
    "inputs", [np.array([["a"], ["b"]]), np.array([[1], ["b"]], object), np.array([[True], [False]]), np.ones((2, 1))]
)
def test_any_inputs(inputs):
    assert isinstance(beeswarm([[1.0], [2.0]], inputs=inputs), Image.Image)


@pytest.mark.parametrize("draw", [summary, beeswarm])
def test_any_size_and_what_is_refused(draw, monkeypatch):
    for values in (np.zeros((1, 1)), R.normal(size=(500, 40)), np.zeros((3, 2), np.float16)):
        assert isinstance(draw(values, title="all"), Image.Image)
    message_of(lambda: draw(np.zeros(3)), InputError, "must be [examples, features]")
    message_of(lambda: draw(np.zeros((0, 3))), InputError, "must be [examples, features]")
    message_of(lambda: draw([[np.inf]]), InputError, "attributions must be finite")
    message_of(lambda: draw([[1.0]], ["a", "b"]), InputError, "names must be one for each of 1")
    message_of(lambda: draw([[1.0]], top=0), OptionError, "top must be")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: draw([[1.0]]), DeepExplainError, "plots")


def test_inputs_of_another_shape():
    message_of(lambda: beeswarm([[1.0]], inputs=[[1.0, 2.0]]), InputError, "inputs must be [1, 1]")
