"""Words coloured by their scores: as HTML, for a terminal, and as a picture."""

from collections.abc import Sequence
import html
import os

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import caption, colours, inputs
from deepexplain_tf.visualize.figure import UNITS

_MARGIN, _BETWEEN, _PAD, _RULE = 12, 6, 3, 2  # pixels


def words_html(
    words: Sequence[str], scores: npt.ArrayLike, *, percentile: float = 100.0, title: str | None = None
) -> str:
    """Returns words as HTML, each on the colour of its score, which a pointer that rests on it shows as a number.

    Red raises the target, with a line below the word; blue lowers it, with a broken line, so that no colour is needed.
    The legend has the scale and the sum of the scores. Any text in the words is shown as it is, never as HTML.

    Args:
      words: the words of one example; "" is padding and left out.
      scores: a score for each word.
      percentile: of |scores|, in (0, 100]; larger scores get the full colour.
      title: a line above the words.

    Raises:
      InputError: another number of scores, or scores that are not finite real numbers.
      OptionError: a percentile out of range.
    """
    kept, values, shares, limit = _read(words, scores, percentile)
    parts = [_span(word, value, share) for word, value, share in zip(kept, values, shares, strict=True)]
    head = f'<div style="font-weight:600">{html.escape(title)}</div>' if title else ""
    spoken = html.escape(", ".join(f"{word} {value:+.2g}" for word, value in zip(kept, values, strict=True)))
    return (
        f'<div class="dx-words" role="img" aria-label="{spoken}" style="line-height:2;max-width:60em">{head}'
        f"{' '.join(parts)}{_legend(values, limit)}</div>"
    )


def words_text(words: Sequence[str], scores: npt.ArrayLike, *, percentile: float = 100.0) -> str:
    """Returns words for a terminal with colours: on red what raises the target, on blue what lowers it.

    A sign stands before each word with at least half of the largest score, for eyes and terminals without colours; the
    last line has the sum.

    Args:
      words: the words of one example; "" is padding and left out.
      scores: a score for each word.
      percentile: of |scores|, in (0, 100]; larger scores get the full colour.

    Raises:
      InputError: another number of scores, or scores that are not finite real numbers.
      OptionError: a percentile out of range.
    """
    kept, values, shares, _ = _read(words, scores, percentile)
    parts = []
    for word, share, colour in zip(kept, shares, colours.diverging(shares), strict=True):
        red, green, blue = colour
        sign = "+" if share >= 0.5 else "-" if share <= -0.5 else ""
        ink = "97" if _is_dark(colour) else "30"
        shown = "".join(letter if letter.isprintable() else "�" for letter in word)
        parts.append(f"\x1b[48;2;{red};{green};{blue}m\x1b[{ink}m {sign}{shown} \x1b[0m")
    return f"{' '.join(parts)}\n{_sum(values)}"


def words(
    words: Sequence[str],
    scores: npt.ArrayLike,
    *,
    percentile: float = 100.0,
    width: int = 640,
    text_size: int = 16,
    font: str | os.PathLike[str] | None = None,
    title: str | None = None,
) -> Image.Image:
    """Draws words, each on the colour of its score, with a legend and the sum.

    Red raises the target, with a line below the word; blue lowers it, with a dotted line, so that no colour is needed.

    Args:
      words: the words of one example; "" is padding and left out.
      scores: a score for each word.
      percentile: of |scores|, in (0, 100]; larger scores get the full colour.
      width: of the picture, in pixels.
      text_size: the height of the letters, in pixels.
      font: a TrueType file for letters that Pillow's own font lacks; without it they become `?`, but for accents.
      title: a line above the words.

    Returns:
      An RGB image.

    Raises:
      InputError: another number of scores, or scores that are not finite real numbers.
      OptionError: a percentile out of range.
      OSError: the font cannot be read.
    """
    kept, values, shares, limit = _read(words, scores, percentile)
    letters = caption.load_font(font, text_size)
    shown = [word if font else caption.plain(word) for word in kept]
    height = sum(letters.getmetrics())
    line = height + 2 * _PAD + _RULE + _BETWEEN
    places, x, y = [], _MARGIN, _MARGIN + (line if title else 0)
    for word in shown:
        length = round(letters.getlength(word)) + 2 * _PAD
        if x + length > width - _MARGIN and x > _MARGIN:
            x, y = _MARGIN, y + line
        places.append((x, y, length))
        x += length + _BETWEEN
    page = Image.new("RGB", (width, y + 2 * line + _MARGIN), "white")
    pen = ImageDraw.Draw(page)
    if title:
        pen.text(
            (_MARGIN, _MARGIN),
            caption.wrap(title if font else caption.plain(title), letters, width, 1)[0],
            "black",
            letters,
        )
    for word, (left, top, length), share, colour in zip(shown, places, shares, colours.diverging(shares), strict=True):
        pen.rectangle((left, top, left + length, top + height + 2 * _PAD), tuple(map(int, colour)))
        pen.text((left + _PAD, top + _PAD), word, "white" if _is_dark(colour) else "black", letters)
        below = top + height + 2 * _PAD + 1
        for at in range(left, left + length, length if share > 0 else 6):
            if abs(share) >= 0.05:
                end = left + length if share > 0 else min(at + 2, left + length)
                pen.rectangle((at, below, end, below + _RULE - 1), "black")
    legend = f"{_sum(values)}; full colour at {limit:.3g}"
    pen.text((_MARGIN, y + line + _BETWEEN), legend, "#525252", letters)
    return page


def _read(
    words: Sequence[str], scores: npt.ArrayLike, percentile: float
) -> tuple[list[str], np.ndarray, np.ndarray, float]:
    """Returns the words that are no padding, their scores, these as shares of the largest, and the largest."""
    values = inputs.numbers(scores, "scores")
    if values.shape != (len(words),):
        raise InputError(f"scores must be one for each of {len(words)} words. Got shape {list(values.shape)}.")
    if not np.isfinite(values).all():
        raise InputError("scores of words must be finite. Got NaN or an infinity.")
    shares = inputs.clip_and_scale(values, percentile)
    kept = [place for place, word in enumerate(words) if word]
    texts = [" ".join(str(words[place]).split()) or "␣" for place in kept]
    return texts, values[kept], shares[kept], inputs.largest(values, percentile)


def _sum(values: np.ndarray) -> str:
    return f"sum {values.sum():+.4g}, {UNITS}"


def _is_dark(colour: np.ndarray) -> bool:
    red, green, blue = (float(part) for part in colour)
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140


def _span(word: str, value: float, share: float) -> str:
    colour = colours.diverging(np.array(share))
    background = colours.hexadecimal(colour)
    line = "none" if abs(share) < 0.05 else "solid" if share > 0 else "dashed"
    style = (
        f"background:{background};color:{'#fff' if _is_dark(colour) else '#000'};padding:1px 3px;border-radius:3px;"
        f"border-bottom:2px {line} #000"
    )
    return f'<span title="{value:+.4g}" style="{style}">{html.escape(word)}</span>'


def _legend(values: np.ndarray, limit: float) -> str:
    stops = ",".join(map(colours.hexadecimal, colours.diverging(np.linspace(-1, 1, 9))))
    bar = f'<span style="display:inline-block;width:6em;height:0.7em;background:linear-gradient(90deg,{stops})"></span>'
    return f'<div style="font-size:85%">{-limit:.3g} {bar} {limit:+.3g}; {_sum(values)}</div>'
