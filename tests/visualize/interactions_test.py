"""Tests of `visualize/interactions.py`."""

import sys

import numpy as np
from PIL import Image
import pytest

import deepexplain_tf as dx
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from deepexplain_tf.visualize import interactions
from tests.checks import message_of

RED, BLUE, GREY = (178, 24, 43), (33, 102, 172), (217, 217, 217)
_SOME = np.array([[3.0, -1.0], [-1.0, 0.5]])


def _places(picture: Image.Image, colour: tuple[int, int, int], least: int = 200) -> np.ndarray:
    """Returns the mean (row, column) of the pixels of a colour in the matrix, of which there must be many."""
    pixels = np.asarray(picture)[:, : round(picture.width * 0.75)]  # to the right stands the bar
    found = np.argwhere((np.abs(pixels.astype(int) - colour) <= 1).all(2))
    assert len(found) > least
    return found.mean(0)


def test_rows_go_down_and_columns_to_the_right():
    picture = interactions([[0.0, 2.0], [-2.0, np.nan]])
    assert picture.mode == "RGB"
    red, blue, grey = (_places(picture, colour) for colour in (RED, BLUE, GREY))
    assert red[0] < blue[0] and blue[1] < red[1]
    np.testing.assert_allclose(grey, [blue[0], red[1]], atol=2)


def test_the_scale_ends_at_the_largest_or_at_a_percentile():
    values = np.diag([8.0, -2.0, 1.0])
    with pytest.raises(AssertionError):
        _places(interactions(values), BLUE)
    _places(interactions(values, percentile=80), BLUE)


def test_names_stand_at_both_sides():
    dark = lambda picture: (np.asarray(picture.convert("L")) < 100).sum()  # noqa: E731
    named = interactions(np.zeros((6, 6)), ["a longer name"] * 6)
    assert dark(named) > 1.3 * dark(interactions(np.zeros((6, 6))))


@pytest.mark.parametrize("names", [["$x_", "a\\b$"], ["a\nb", ""], ["x" * 500, "_"], [1, None]], ids=str)
def test_any_names_are_drawn_as_they_are(names):
    assert np.asarray(interactions(_SOME, names)).std() > 0


@pytest.mark.parametrize(
    "values", [np.zeros((3, 3)), np.full((2, 2), np.nan), [[7]], np.ones((2, 2), np.float16), np.eye(70)], ids=np.shape
)
def test_any_square_matrix(values):
    picture = interactions(values, None if len(values) < 9 else ["name"] * len(values))
    assert max(picture.size) <= 2000


def test_an_explanation_is_drawn():
    with dx.DeepExplain(lambda x: x[:, 0] * x[:, 1]) as de:
        e = de.explain("integrated_hessians", np.array([[2.0, -3.0]]), n_steps=3)
    assert isinstance(interactions(e.attributions[0], ["width", "height"]), Image.Image)


@pytest.mark.parametrize(
    "values",
    [np.zeros(3), np.zeros((2, 3)), np.zeros((1, 2, 2)), np.zeros((0, 0)), [["a"]], np.full((2, 2), np.inf)],
    ids=str,
)
def test_what_are_not_interactions(values):
    message_of(lambda: interactions(values), InputError, "attributions ")


def test_names_and_options_that_do_not_fit():
    message_of(lambda: interactions(_SOME, ["a"]), InputError, "names must be one for each of 2")
    message_of(lambda: interactions(_SOME, percentile=0), OptionError, "percentile must be")


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: interactions(_SOME), DeepExplainError, "pip install 'deepexplain_tf[plots]'")
