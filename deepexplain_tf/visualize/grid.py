"""A grid of pictures with captions and titles."""

from collections.abc import Sequence
from itertools import repeat
import os

from PIL import Image, ImageOps

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import caption, inputs
from deepexplain_tf.visualize.stack import stack

_MARGIN = 16  # around the grid and between columns
_NARROWEST = 96  # a column has room for a few words
_MAX_LINES = 3
_FRAME = (200, 200, 200)  # shows where a picture ends whose attributions are as white as the page


def grid(
    rows: Sequence[Sequence[inputs.Picture | None]],
    captions: Sequence[Sequence[str | None]] | None = None,
    titles: Sequence[str | None] | None = None,
    size: int = 224,
    text_size: int = 14,
    font: str | os.PathLike[str] | None = None,
) -> Image.Image:
    """Lays pictures out in rows, each with a caption below it, under one title per column.

    A picture whose longer side is below `size` is enlarged by a whole number, so that each pixel becomes a square; a
    larger picture is shrunk to `size`. A strip, much longer than wide, is widened until it can be seen. Captions and
    titles are wrapped at the width of their column and end in an ellipsis after three lines.

    Args:
      rows: lists of pictures, PIL images or arrays as for `overlay`; None leaves a place empty, and rows may differ in
        length.
      captions: captions in the structure of `rows`; None or "" for no caption.
      titles: one title for each column.
      size: the longer side of a picture in pixels, at least 32.
      text_size: the font size in pixels, in 6..48.
      font: a TrueType file, for scripts other than Latin; without it, accents are dropped and letters that are not
        ASCII become `?`.

    Returns:
      An RGB image.

    Raises:
      InputError: there is no picture, a picture cannot be drawn, or captions or titles do not fit the rows.
      OptionError: a size is out of range.
      TypeError: `rows` or `captions` are not lists of lists.
    """
    if size < 32 or not 6 <= text_size <= 48:
        raise OptionError(f"size must be at least 32, and text_size in 6..48. Got {size=}, {text_size=}.")
    _check(rows, captions, titles)
    columns = max(map(len, rows))
    letters = caption.load_font(font, text_size)

    def text(words: str | None, width: int, colour: str) -> Image.Image:
        readable = caption.plain(words or "") if font is None else words or ""
        return caption.draw(caption.wrap(readable, letters, width, _MAX_LINES), letters, width, colour)

    pictures = [[_fit(picture, size) for picture in _filled(row, columns)] for row in rows]
    widths = [max(_NARROWEST, *(image.width for image in column)) for column in zip(*pictures, strict=True)]
    bands = [list(map(text, titles, widths, repeat("black")))] if titles else []
    for row, words in zip(pictures, captions or repeat([]), strict=False):
        below = map(text, _filled(words, columns), widths, repeat("#404040"))
        bands.append([stack(cell) for cell in zip(row, below, strict=True)])
    page = stack([_beside(band) for band in bands])
    return ImageOps.expand(page, _MARGIN, "white")


def _check(rows: Sequence, captions: Sequence | None, titles: Sequence | None) -> None:
    if not all(isinstance(row, (list, tuple)) for row in [*rows, *(captions or [])]):
        raise TypeError("rows and captions must be lists of rows, each a list with one item per column.")
    shape = [len(row) for row in rows]
    if not any(shape):
        raise InputError("a grid must have at least one picture. Got none.")
    if titles and len(titles) != max(shape):
        raise InputError(f"each of the {max(shape)} columns must have one title. Got {len(titles)}.")
    if captions is not None and (got := [len(row) for row in captions]) != shape:
        raise InputError(f"captions must be in rows of {shape}, as the pictures are. Got rows of {got}.")


def _filled(row: Sequence, columns: int) -> list:
    return [*row, *[None] * (columns - len(row))]


def _fit(picture: inputs.Picture | None, size: int) -> Image.Image:
    if picture is None:
        return Image.new("RGB", (1, 1), "white")
    image = Image.fromarray(inputs.rgb(picture))
    longer = max(image.size)
    scale = size // longer if longer <= size else size / longer
    width, height = (max(round(side * scale), size // 14) for side in image.size)
    # Box filtering repeats pixels where it enlarges and averages them where it shrinks.
    return ImageOps.expand(image.resize((width, height), Image.Resampling.BOX), 1, _FRAME)


def _beside(images: Sequence[Image.Image]) -> Image.Image:
    """Returns images beside each other, with their tops aligned."""
    width = sum(image.width + _MARGIN for image in images) - _MARGIN
    page = Image.new("RGB", (width, max(image.height for image in images)), "white")
    left = 0
    for image in images:
        page.paste(image, (left, 0))
        left += image.width + _MARGIN
    return page
