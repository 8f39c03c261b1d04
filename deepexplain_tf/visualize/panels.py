"""Panels: one picture explained by several methods, side by side, with titles and colour bars."""

from collections.abc import Mapping
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError, OptionError
from deepexplain_tf.visualize import inputs
from deepexplain_tf.visualize.figure import UNITS, new_figure, palette, to_image
from deepexplain_tf.visualize.overlay import overlay

_SIDE, _COLUMNS = 2.6, 4  # inches of a panel, and panels in a row


def panels(
    attributions: Mapping[str, npt.ArrayLike],
    image: inputs.Picture | None = None,
    *,
    percentile: float = 99.0,
    sign: str = "both",
    shared: bool = False,
    title: str | None = None,
) -> Image.Image:
    """Draws the attributions of several methods side by side, each under its name and beside its scale.

    Args:
      attributions: name → attributions of one example, as for `heat_map`.
      image: the picture, as for `overlay`: it is the first panel, and the others are overlays; None draws heat maps.
      percentile: the percentile of |Σ_channels attribution| that gets the full colour, in (0, 100].
      sign: `"both"`, or `"positive"` or `"negative"` sums alone.
      shared: whether all panels have one scale, the largest, so that their sizes can be compared; methods with
        attributions in other units, such as gradients, need scales of their own.
      title: a line above the panels.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: no attributions, or some that cannot be drawn, or do not fit the picture.
      OptionError: an option out of range.
    """
    if not attributions:
        raise InputError("panels show at least one method. Got none.")
    if not isinstance(shared, bool):
        raise OptionError(f"shared must be True or False. Got {shared!r}.")
    totals = {
        name: inputs.of_sign(inputs.sum_channels(inputs.features(values)), sign)
        for name, values in attributions.items()
    }
    limits = {name: inputs.largest(total, percentile) or 1.0 for name, total in totals.items()}
    if shared:
        limits = dict.fromkeys(limits, max(limits.values()))
    first = [] if image is None else [("input", inputs.rgb(image), None)]
    shown = [(name, _picture(total, image, limits[name]), limits[name]) for name, total in totals.items()]
    columns = min(len(first) + len(shown), _COLUMNS)
    rows = math.ceil((len(first) + len(shown)) / columns)
    figure = new_figure(_SIDE * columns, (_SIDE + 0.5) * rows + (0.3 if title else 0))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, picture, limit) in zip(axes, [*first, *shown], strict=False):
        axis.imshow(picture, interpolation="nearest", cmap=palette(), vmin=-(limit or 1), vmax=limit or 1)
        axis.set_title(name, fontsize=9, pad=3, parse_math=False)  # more would leave the figure
        if not shared:
            bar = _bar(figure, axis, limit or 1)
            if limit is None:
                _hide(bar)  # its place keeps the picture as large and as high as the others
    if shared:
        _bar(figure, list(axes), max(limits.values()))
    if title:
        figure.suptitle(title, fontsize=10, parse_math=False)
    return to_image(figure)


def _picture(total: np.ndarray, image: inputs.Picture | None, limit: float) -> np.ndarray:
    return total if image is None else np.asarray(overlay(total, image, limit=limit))


def _bar(figure: Any, axes: Any, limit: float) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    whole = isinstance(axes, list)
    scale = ScalarMappable(Normalize(-limit, limit), palette())
    where = {"location": "bottom", "fraction": 0.05, "pad": 0.02, "shrink": 0.4 if whole else 0.9}
    bar = figure.colorbar(scale, ax=axes, ticks=[-limit, 0, limit], format="%.2g", **where)
    bar.ax.tick_params(labelsize=7)
    if whole:
        bar.set_label(UNITS, fontsize=8)
    return bar


def _hide(bar: Any) -> None:
    for part in (bar.solids, bar.outline):
        part.set_alpha(0)
    bar.ax.tick_params(color="none", labelcolor="none")
