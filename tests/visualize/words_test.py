"""Tests of `visualize/words.py`."""

from html.parser import HTMLParser
import re

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import words, words_html, words_text
from tests.checks import message_of

TEXT, SCORES = ["not", "good", "", "film"], [-1.0, 2.0, 0.0, 0.05]
RED, BLUE = (178, 24, 43), (33, 102, 172)


class _Spans(HTMLParser):
    """Collects the words of a page with their titles and styles."""

    def __init__(self, page):
        super().__init__()
        self.words, self.tags, self.label, self._open = [], [], "", None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append(tag)
        self.label = found.get("aria-label", self.label)
        self._open = found if "title" in found else None

    def handle_data(self, data):
        if self._open:
            self.words.append((data, self._open["title"], self._open["style"]))
            self._open = None


def test_html_has_each_word_with_its_score():
    page = _Spans(words_html(TEXT, SCORES))
    assert [(word, title) for word, title, _ in page.words] == [("not", "-1"), ("good", "+2"), ("film", "+0.05")]
    assert "background:#b2182b" in page.words[1][2]
    assert page.label == "not -1, good +2, film +0.05"
    assert "sum +1.05" in words_html(TEXT, SCORES)


def test_signs_are_seen_without_colours():
    styles = [style for _, _, style in _Spans(words_html(TEXT, SCORES)).words]
    assert ["dashed" in styles[0], "solid" in styles[1], "none" in styles[2]] == [True] * 3


def test_texts_are_never_html():
    nasty = '"><script>alert(1)</script>'
    page = words_html([nasty], [1.0], title=nasty)
    assert set(_Spans(page).tags) == {"div", "span"}
    assert "<script>" not in page


def test_a_terminal_shows_words_signs_and_the_sum():
    shown = words_text(TEXT, SCORES)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain == " -not   +good   film \nsum +1.05, in units of the target"
    assert "\x1b[48;2;178;24;43m" in shown
    assert "\x1b[2J" not in words_text(["\x1b[2J"], [1.0])  # nothing in a word commands the terminal


def _boxes(picture, colour):
    return np.argwhere((np.asarray(picture) == colour).all(2))


def test_a_picture_has_words_in_lines():
    picture = words(["good", "bad"], [1.0, -1.0])
    red, blue = _boxes(picture, RED), _boxes(picture, BLUE)
    assert len(red) > 100 and len(blue) > 100
    assert red[:, 1].max() < blue[:, 1].min()
    assert red[:, 0].min() == blue[:, 0].min()
    wrapped = words(["good"] * 60, np.ones(60), width=300)
    assert wrapped.width == 300 and wrapped.height > picture.height


def test_long_words_and_titles_stay_within_the_picture():
    picture = words(["x" * 300, "y"], [1.0, -1.0], width=200, title="t" * 300)
    assert picture.width == 200 and len(_boxes(picture, BLUE)) > 20


@pytest.mark.parametrize("draw", [words, words_html, words_text])
def test_any_words(draw):
    for text, scores in (([], []), (["", ""], [0, 0]), (["a\nb", " "], [0.0, 0.0]), (["日本", "é"], [1, -1])):
        assert draw(text, scores)


@pytest.mark.parametrize("draw", [words, words_html, words_text])
def test_what_is_refused(draw):
    message_of(lambda: draw(["a"], [1.0, 2.0]), InputError, "scores must be one for each of 1 words")
    message_of(lambda: draw(["a"], [np.nan]), InputError, "scores of words must be finite")
    message_of(lambda: draw(["a"], ["b"]), InputError, "scores must be of real numbers")
    message_of(lambda: draw(["a"], [1.0], percentile=0), OptionError, "percentile")


def test_a_picture_is_one():
    assert isinstance(words(TEXT, SCORES, title="naïve — 7"), Image.Image)
