"""Tests of `visualize/letters.py`."""

import sys

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import DeepExplainError, InputError
from deepexplain_tf.visualize import letters
from tests.checks import message_of

GREEN, BLUE, ORANGE = (0, 158, 115), (0, 114, 178), (230, 159, 0)  # A, C, G


def _box(picture, colour):
    found = np.argwhere((np.abs(np.asarray(picture).astype(int) - colour) <= 2).all(2))
    assert len(found) > 20
    return [*found.min(0), *found.max(0)]


def test_letters_are_as_high_as_their_attributions():
    values = np.zeros((3, 4))
    values[0, 0], values[1, 1], values[2, 2] = 2.0, 1.0, -1.0
    picture = letters(values)
    a, c, g = (_box(picture, colour) for colour in (GREEN, BLUE, ORANGE))
    assert a[3] < c[1] and c[3] < g[1]  # from left to right
    assert a[2] - a[0] == pytest.approx(2 * (c[2] - c[0]), abs=4)
    assert a[2] == pytest.approx(c[2], abs=3) and g[0] >= c[2]  # two stand on the line, one hangs from it


def test_the_largest_is_farthest_from_the_line():
    picture = letters([[2.0, 1.0, 0.0, 0.0]])
    assert _box(picture, GREEN)[2] <= _box(picture, BLUE)[0] + 2


def test_long_sequences_have_several_lines():
    short, long = (letters(np.ones((length, 4))) for length in (100, 250))
    assert long.height > 2 * short.height and long.width == short.width


@pytest.mark.parametrize("alphabet", ["ACDEFGHIKLMNPQRSTVWY", ["x", "y"], "01"])
def test_any_alphabet(alphabet):
    assert isinstance(letters(np.ones((3, len(alphabet))), alphabet, start=7, title="$"), Image.Image)


def test_zeros_are_an_empty_line():
    assert isinstance(letters(np.zeros((5, 4))), Image.Image)


def test_what_is_refused(monkeypatch):
    message_of(lambda: letters(np.zeros(4)), InputError, "letters show finite [length, letters]")
    message_of(lambda: letters(np.full((1, 4), np.nan)), InputError, "letters show finite")
    message_of(lambda: letters(np.zeros((2, 3))), InputError, "a letter for each of 3 columns")
    message_of(lambda: letters(np.zeros((2, 2)), ["aa", "b"]), InputError, "a letter for each of 2")
    message_of(lambda: letters(np.zeros((2, 2)), "a "), InputError, "a letter for each of 2")
    message_of(lambda: letters(np.zeros((2001, 4))), InputError, "at most 2000 positions")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: letters(np.zeros((2, 4))), DeepExplainError, "plots")
