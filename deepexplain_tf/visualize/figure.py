"""Figures with axes, drawn with matplotlib (the extra `plots`)."""

from collections.abc import Sequence
import io
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.errors import InputError, imported
from deepexplain_tf.visualize import colours

UNITS = "in units of the target"
POSITIVE, NEGATIVE = "#b2182b", "#2166ac"  # the ends of `colours.diverging`
_LETTERS = 30  # of a name


def require_figure() -> Any:
    """Returns matplotlib's class `Figure`, which needs no screen.

    Raises:
      DeepExplainError: matplotlib is not installed.
    """
    missing = "the figure needs matplotlib: pip install 'deepexplain_tf[plots]'"
    return imported("matplotlib.figure", missing).Figure


def new_figure(width: float, height: float) -> Any:
    """Returns a figure of `width` by `height` inches, whose parts make room for each other."""
    return require_figure()(figsize=(width, height), layout="constrained")


def to_image(figure: Any, dpi: int = 100) -> Image.Image:
    """Returns a figure as an RGB picture of `dpi` pixels for an inch."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return Image.open(file).convert("RGB")


def palette() -> Any:
    """Returns the colours of signed attributions, blue to red, as a colour map of matplotlib; NaN is light grey."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(colours.diverging(np.linspace(-1, 1, 255)) / 255).with_extremes(
        bad=colours.hexadecimal(colours.UNCOVERED)
    )


def set_title(axis: Any, title: str | None) -> None:
    """Writes a title over an axis, as it is: a dollar is no formula."""
    if title:
        axis.set_title(title, fontsize=10, loc="left", parse_math=False)


def read_names(names: Sequence[object] | None, count: int) -> list[str]:
    """Returns a short name for each of `count` features; None numbers them from 0.

    Raises:
      InputError: another number of names.
    """
    if names is None:
        return [str(number) for number in range(count)]
    if len(names) != count:
        raise InputError(f"names must be one for each of {count} features. Got {len(names)}.")
    return [short(name) for name in names]


def short(name: object) -> str:
    """Returns a name in one line, of at most 30 letters."""
    text = " ".join(str(name).split())
    return text if len(text) <= _LETTERS else text[: _LETTERS - 1] + "…"
