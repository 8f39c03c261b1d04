"""Tests of `visualize/caption.py`."""

import pytest

from deepexplain_tf.visualize import caption

FONT = caption.load_font(None, 14)


@pytest.mark.parametrize("width", [20, 60, 200])
def test_every_line_fits_and_no_letter_is_lost(width):
    text = "The quick brown fox, incomprehensibilities and a_very_long_identifier_of_an_operation"
    lines = caption.wrap(text, FONT, width, max_lines=100)
    assert all(FONT.getlength(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["integrated_gradients", "blocks/attention_scores", "guided-backprop.v2"])
def test_names_break_behind_their_signs(text):
    width = FONT.getlength(text) - 1
    for line in caption.wrap(text, FONT, width, 5)[:-1]:
        assert line[-1] in "_/-."


def test_short_text_is_one_line_and_line_breaks_are_kept():
    assert caption.wrap("two  words", FONT, 200, 3) == ["two words"]
    assert caption.wrap("a\n\nb", FONT, 200, 3) == ["a", "", "b"]
    assert caption.wrap("", FONT, 200, 3) == []


def test_what_exceeds_the_lines_becomes_an_ellipsis():
    lines = caption.wrap("word " * 50, FONT, 100, 2)
    assert len(lines) == 2
    assert lines[1].endswith("word…")
    full = caption.wrap("i" * 500, FONT, 100, 2)
    assert full[1].endswith("i…")
    assert all(FONT.getlength(line) <= 100 for line in lines + full)


def test_a_letter_wider_than_the_line_stands_alone():
    assert caption.wrap("WWW", FONT, 3, 5) == ["W", "W", "W"]
