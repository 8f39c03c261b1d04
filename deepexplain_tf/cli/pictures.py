"""What `deepexplain explain` draws of one example."""

from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.cli.files import Array
import deepexplain_tf.visualize as visualize


def _fits(values: Array, picture: Array) -> bool:
    """Returns whether the sides of a picture are whole multiples of those of a map."""
    pairs = zip(picture.shape[:2], values.shape[:2], strict=True)
    return values.ndim == 3 and all(large % small == 0 for large, small in pairs)


def _shown(picture: Array) -> Array:
    """Returns the picture without its transparency."""
    return picture[..., :3] if picture.shape[-1] == 4 else picture


def _views(values: Array, picture: Array | None) -> tuple[list[Any], list[str]]:
    """Returns the views of a map, and a title for each."""
    heat_map = visualize.heat_map(values)
    if picture is None or not _fits(values, picture):
        return [heat_map], ["attributions"]
    shown = _shown(picture)
    views = [shown, heat_map, visualize.overlay(values, shown), visualize.window(values, shown)]
    return views, ["input", "attributions", "overlay", "window"]


def draw(attributions: Any, index: int, picture: Array | None, caption: str, *, sequence: bool) -> Image.Image | None:
    """Draws one example of a batch of attributions.

    Args:
        attributions: `[batch, ...]`, or a structure of such arrays, which stand below each other.
        index: The example.
        picture: The example as a picture, `[height, width, channels]`, or None.
        caption: What the example is and what was explained.
        sequence: Whether `[length, dims]` is a sequence of vectors, drawn as one row, rather than a picture.

    Returns:
        The picture, or None where there are no attributions of a rank that can be drawn.
    """
    rows: list[list[Any]] = []
    captions: list[list[str | None]] = []
    titles: list[str] = []
    for name, array in _named(attributions):
        values = array[index]
        if not 1 <= values.ndim <= 3:
            continue
        as_row = sequence and values.ndim == 2
        row, names = _views(values[None] if as_row else values, picture)
        rows.append(row)
        captions.append([", ".join(part for part in (name, caption) if part), *[None] * (len(row) - 1)])
        titles = max(titles, names, key=len)
    return visualize.grid(rows, captions, titles) if rows else None


def _named(structure: Any) -> list[tuple[str, Array]]:
    if isinstance(structure, dict):
        return [(name, np.asarray(array)) for name, array in structure.items()]
    if isinstance(structure, list | tuple):
        return [(f"input {position}", np.asarray(array)) for position, array in enumerate(structure)]
    return [("", np.asarray(structure))]
