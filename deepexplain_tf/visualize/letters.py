"""Sequences of letters, such as DNA: each letter as high as its attribution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import inputs
from deepexplain_tf.visualize.figure import UNITS, new_figure, set_title, to_image

_LINE, _WIDTH, _HEIGHT, _MOST = 100, 10.0, 1.5, 2000  # letters of a line, inches, and letters of a picture
# Okabe and Ito's colours, which eyes that see no red or no green tell apart, for the letters of DNA and RNA.
_COLOURS = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00", "U": "#d55e00"}
_OTHER = "#404040"


def letters(
    values: npt.ArrayLike, alphabet: Sequence[str] = "ACGT", *, start: int = 0, title: str | None = None
) -> Image.Image:
    """Draws letters as high as their attributions: above the line what raises the target, below it what lowers it.

    Of several letters at one position, as `deeplift(hypothetical=True)` gives them, the largest stands farthest from
    the line.

    Args:
      values: attributions of one example, `[length, letters]`; a letter that is not there has 0.
      alphabet: the letter of each column.
      start: the number of the first position.
      title: a line above the letters.

    Returns:
      An RGB image, with 100 letters in a line.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values of another rank, not finite or not real, another number of letters, a text that is no letter,
        or more than 2,000 positions.
    """
    array = inputs.numbers(values, "attributions")
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise InputError(f"letters show finite [length, letters] of one example. Got shape {array.shape}.")
    if len(alphabet) != array.shape[1] or any(len(letter) != 1 or letter.isspace() for letter in alphabet):
        raise InputError(f"the alphabet must be a letter for each of {array.shape[1]} columns. Got {alphabet!r}.")
    if len(array) > _MOST:
        raise InputError(f"at most {_MOST} positions are drawn; choose a part of the sequence. Got {len(array)}.")
    parts = [array[at : at + _LINE] for at in range(0, len(array), _LINE)]
    width = max(_WIDTH * min(len(array), _LINE) / _LINE, 3.0)
    figure = new_figure(width, 0.5 + _HEIGHT * len(parts))
    axes = figure.subplots(len(parts), sharey=True, squeeze=False)[:, 0]
    shapes = {letter: _shape(letter) for letter in alphabet}
    low, high = np.minimum(array, 0).sum(1).min(), np.maximum(array, 0).sum(1).max()
    room = (high - low) or 1.0
    for number, (axis, part) in enumerate(zip(axes, parts, strict=True)):
        for position, column in enumerate(part):
            _stack(axis, start + number * _LINE + position, column, alphabet, shapes)
        axis.axhline(0, color="black", linewidth=0.6)
        first = start + number * _LINE
        axis.set_xlim(first - 0.5, first + min(len(array), _LINE) - 0.5)
        axis.set_ylim(low - 0.05 * room, high + 0.05 * room)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel("position", fontsize=9)
    figure.supylabel(UNITS, fontsize=9)
    set_title(axes[0], title)
    return to_image(figure)


def _shape(letter: str) -> Any:
    """Returns the outline of a letter, 1 wide and 1 high."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D

    outline = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = outline.get_extents()
    scale = Affine2D().translate(-box.x0, -box.y0).scale(1 / (box.width or 1), 1 / (box.height or 1))
    return outline.transformed(scale)


def _stack(axis: Any, position: int, column: np.ndarray, alphabet: Sequence[str], shapes: dict[str, Any]) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.transforms import Affine2D

    for sign in (1, -1):
        base = 0.0
        members = [place for place in np.argsort(np.abs(column)) if column[place] * sign > 0]
        for place in members:
            letter, height = alphabet[place], float(column[place])
            # A letter below the line hangs from it, upright.
            bottom = base if height > 0 else base + height
            move = Affine2D().scale(0.92, abs(height)).translate(position - 0.46, bottom)
            colour = _COLOURS.get(letter.upper(), _OTHER)
            axis.add_patch(PathPatch(shapes[letter].transformed(move), facecolor=colour, linewidth=0))
            base += height
