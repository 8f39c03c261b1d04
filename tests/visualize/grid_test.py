"""Tests of `visualize/grid.py`."""

import numpy as np
from PIL import Image
import pytest

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import grid, heat_map


def _blocks(page: Image.Image, colour: tuple[int, int, int]) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, right, bottom) around the runs of columns that hold a colour, left to right."""
    found = (np.asarray(page) == colour).all(axis=-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], found.any(axis=0), [0]])))
    boxes = []
    for left, right in zip(edges[::2], edges[1::2], strict=True):
        rows = np.flatnonzero(found[:, left:right].any(axis=1))
        boxes.append((int(left), int(rows[0]), int(right), int(rows[-1]) + 1))
    return boxes


def _ink(page: Image.Image) -> np.ndarray:
    return (np.asarray(page) != 255).any(axis=-1)


RED = (255, 0, 0)
BLUE = (0, 0, 255)


def _flat(colour, height=8, width=8) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def test_small_pictures_are_enlarged_to_squares():
    digit = np.zeros((8, 8, 3), np.uint8)
    digit[..., 0] = 255
    digit[0, 0] = BLUE
    page = grid([[digit]])
    (left, top, right, bottom), *_ = _blocks(page, BLUE)
    assert (right - left, bottom - top) == (28, 28)
    (left, top, right, bottom), *_ = _blocks(page, RED)
    assert (right - left, bottom - top) == (224, 224)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((224, 224), (224, 224)),
        ((100, 60), (200, 120)),
        ((150, 300), (112, 224)),
        ((1, 40), (16, 200)),
        ((700, 4), (224, 16)),
    ],
)
def test_sizes_in_the_grid(shape, expected):
    ((left, top, right, bottom),) = _blocks(grid([[_flat(RED, *shape)]]), RED)
    assert (bottom - top, right - left) == expected


def test_columns_and_rows_line_up():
    page = grid([[_flat(RED), _flat(BLUE, 8, 4)], [_flat(RED, 4), _flat(BLUE)]], size=64)
    (red,), (blue,) = _blocks(page, RED), _blocks(page, BLUE)
    assert red[2] < blue[0]
    assert red[1] == blue[1]


@pytest.mark.parametrize("text", ["a", "many words " * 40, "x" * 500, "two\nlines", "strawberry finch, 0.93"])
@pytest.mark.parametrize("text_size", [6, 14, 48])
def test_captions_and_titles_stay_inside_and_off_the_pictures(text, text_size):
    rows = [[_flat(RED), _flat(BLUE)]]
    options = {"size": 96, "text_size": text_size}
    bare, page = grid(rows, **options), grid(rows, [[text, text]], [text, text], **options)
    ink = _ink(page)
    assert not ink[:8].any() and not ink[-8:].any()
    assert not ink[:, :15].any() and not ink[:, -15:].any()
    ((left, top, right, bottom),) = _blocks(page, RED)
    assert (right - left, bottom - top) == (96, 96), "no letter covers a picture"
    ((blue_left, *_),) = _blocks(page, BLUE)
    assert not ink[bottom + 1 :, right + 2 : blue_left - 2].any(), "captions keep to their columns"
    assert ink[bottom + 1 :].any() and ink[: top - 1].any()
    assert page.height > bare.height


def test_long_captions_have_at_most_three_lines():
    rows = [[_flat(RED)]]
    three = grid(rows, [["one\ntwo\nthree"]])
    assert grid(rows, [["word " * 500]]).size == three.size
    assert grid(rows, [["w" * 5000]]).size == three.size
    assert grid(rows, [["one\ntwo"]]).height < three.height


def test_letters_that_the_font_lacks_become_plain():
    rows = [[_flat(RED)]]
    assert grid(rows, [["é − 8×8 → x₀"]]) == grid(rows, [["e - 8x8 -> x0"]])
    assert grid(rows, [["日"]]) == grid(rows, [["?"]])


def test_places_may_stay_empty():
    page = grid([[_flat(RED), None], [_flat(RED)]], [["a", None], [""]], titles=["input", None], size=64)
    assert len(_blocks(page, RED)) == 1
    assert page.width == 2 * 16 + 16 + (96 + 96)


def test_zero_attributions_have_a_frame():
    assert _ink(grid([[heat_map(np.zeros((4, 4)))]])).any()


@pytest.mark.parametrize(
    ("rows", "captions", "titles"),
    [
        ([], None, None),
        ([[]], None, None),
        ([[_flat(RED)]], [["a", "b"]], None),
        ([[_flat(RED)]], [["a"], ["b"]], None),
        ([[_flat(RED)]], None, ["a", "b"]),
        ([[np.zeros((2, 2, 5))]], None, None),
    ],
)
def test_what_does_not_fit_is_refused(rows, captions, titles):
    with pytest.raises(InputError):
        grid(rows, captions, titles)


@pytest.mark.parametrize(("rows", "captions"), [([_flat(RED)], None), ([[_flat(RED)]], ["a"])])
def test_flat_lists_are_refused(rows, captions):
    with pytest.raises(TypeError, match="lists of rows"):
        grid(rows, captions)


@pytest.mark.parametrize("options", [{"size": 8}, {"text_size": 2}, {"text_size": 100}])
def test_sizes_out_of_range_are_refused(options):
    with pytest.raises(OptionError):
        grid([[_flat(RED)]], **options)
