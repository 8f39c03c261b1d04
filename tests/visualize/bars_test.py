"""Tests of `visualize/bars.py`."""

from html.parser import HTMLParser
import sys

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import DeepExplainError, InputError, OptionError
from deepexplain_tf.visualize import bars, bars_html
from tests.checks import message_of

RED, BLUE = (178, 24, 43), (33, 102, 172)


class _Text(HTMLParser):
    """Collects the texts of a page, and the styles of its elements."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.styles, self.tags = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.styles.append(dict(attributes).get("style", ""))

    def handle_data(self, data):
        self.texts.append(data)


def _places(picture: Image.Image, colour) -> np.ndarray:
    found = np.argwhere((np.abs(np.asarray(picture).astype(int) - colour) <= 2).all(2))
    assert len(found) > 50
    return found


def test_the_largest_is_on_top_and_signs_are_sides():
    picture = bars([1.0, -4.0, 2.0], ["a", "b", "c"])
    red, blue = _places(picture, RED), _places(picture, BLUE)
    assert blue[:, 0].max() < red[:, 0].min()  # −4 is the first row
    assert blue[:, 1].max() <= red[:, 1].min()
    lengths = [np.ptp(places[:, 1]) for places in (blue, red)]
    assert lengths[0] == pytest.approx(2 * lengths[1], rel=0.03)


def _rows(**options):
    return [text for text in _Text(bars_html(**options)).texts if text.strip()]


def test_others_are_added_up():
    values = [5.0, -0.25, 0.5, 1.0, np.nan, -0.5]
    assert _rows(values=values, names=list("abcdef"), top=2) == ["a", "+5", "d", "+1", "3 others", "-0.25"]
    assert _rows(values=values[:4], names=list("abcd"), top=3)[-2:] == ["b", "-0.25"]  # one other has its name
    assert len(_rows(values=values, top=10)) == 2 * 5  # NaN is left out


def test_values_stand_beside_names():
    shown = _rows(values=[3.0, 2.0, 1.0], names=["age", "job", "n"], inputs=np.array([39.12345, "smith", b"x"], object))
    assert shown[::2] == ["age = 39.12", "job = smith", "n = x"]


def test_texts_are_never_html():
    nasty = "<script>alert(1)</script>"
    page = bars_html([1.0], [nasty], inputs=[nasty], title=nasty)
    assert "script" not in _Text(page).tags
    assert "<script>" not in page


def test_lengths_in_html_are_shares_of_the_largest():
    page = _Text(bars_html([2.0, -1.0]))
    widths = [style for style in page.styles if "background" in style]
    assert "left:50.0%;width:50.0%" in widths[0] and "left:25.0%;width:25.0%" in widths[1]


@pytest.mark.parametrize("values", [[0.0], np.zeros(3), [np.nan, 1.0], np.arange(500), np.float16([1, 2])], ids=str)
def test_any_values(values):
    assert isinstance(bars(values, title="$x_1 <b>"), Image.Image)
    assert bars_html(values).count("<tr>") <= 11


@pytest.mark.parametrize("draw", [bars, bars_html])
def test_what_is_refused(draw):
    message_of(lambda: draw(np.zeros((2, 2))), InputError, "bars show [features]")
    message_of(lambda: draw([]), InputError, "bars show [features]")
    message_of(lambda: draw([np.inf]), InputError, "attributions must be finite")
    message_of(lambda: draw(["a"]), InputError, "attributions must be of real numbers")
    message_of(lambda: draw([1.0], ["a", "b"]), InputError, "names must be one for each of 1")
    message_of(lambda: draw([1.0], inputs=[1, 2]), InputError, "inputs must be a value for each of 1")
    for top in (0, 1.5, True, None):
        message_of(lambda top=top: draw([1.0], top=top), OptionError, "top must be a whole number")


def test_bars_need_matplotlib_and_html_does_not(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    message_of(lambda: bars([1.0]), DeepExplainError, "pip install 'deepexplain_tf[plots]'")
    assert "<table" in bars_html([1.0])
