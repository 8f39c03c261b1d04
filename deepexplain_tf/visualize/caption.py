"""Captions: text that is wrapped and drawn within the width of a column."""

from collections.abc import Iterator
import itertools
import os
import unicodedata

from PIL import Image, ImageDraw, ImageFont

# Pillow's own font holds little more than ASCII; these letters have a spelling in it.
_PLAIN = str.maketrans({"−": "-", "–": "-", "—": "-", "×": "x", "→": "->", "≤": "<=", "≥": ">=", "≈": "~"})


def load_font(path: str | os.PathLike[str] | None, size: int) -> ImageFont.FreeTypeFont:
    """Returns the TrueType font at `path`, or Pillow's own, with letters of `size` pixels."""
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
    return font


def plain(text: str) -> str:
    """Returns `text` in ASCII, for Pillow's own font: without accents, and with `?` for all other letters."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return bare.encode("ascii", "replace").decode()


def wrap(text: str, font: ImageFont.FreeTypeFont, width: int, max_lines: int) -> list[str]:
    """Returns `text` as lines no wider than `width` pixels; after `max_lines` the rest becomes an ellipsis."""
    lines = list(itertools.islice(_lines(text, font, width), max_lines + 1))
    if len(lines) <= max_lines:
        return lines
    last = lines[max_lines - 1]
    while last and font.getlength(last + "…") > width:
        last = last[:-1]
    return [*lines[: max_lines - 1], last.rstrip() + "…"]


def draw(lines: list[str], font: ImageFont.FreeTypeFont, width: int, colour: str) -> Image.Image:
    """Returns a white picture, `width` pixels wide, with the lines centred on it."""
    height = sum(font.getmetrics())
    picture = Image.new("RGB", (width, height * len(lines)), "white")
    pen = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        pen.text((width / 2, height * index), line, fill=colour, font=font, anchor="ma")
    return picture


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> Iterator[str]:
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}" if line else word
            if font.getlength(joined) <= width:
                line = joined
                continue
            if line:
                yield line
            while font.getlength(word) > width and len(word) > 1:
                fits = next(n for n in range(1, len(word)) if font.getlength(word[: n + 1]) > width)
                fits = 1 + max(word.rfind(sign, 0, fits) for sign in "_/-.") or fits  # behind a sign of a name
                yield word[:fits]
                word = word[fits:]
            line = word
        yield line
