"""Series over time: a panel for each channel, the line coloured by its attributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import inputs
from deepexplain_tf.visualize.figure import UNITS, new_figure, palette, read_names, set_title, to_image

_WIDTH, _PANEL, _MOST = 8.0, 1.3, 24  # inches, and panels


def series(
    values: npt.ArrayLike,
    series: npt.ArrayLike,
    names: Sequence[object] | None = None,
    *,
    percentile: float = 99.0,
    title: str | None = None,
) -> Image.Image:
    """Draws each channel of a series as a line whose colour is its attribution, with bars of the attributions below.

    Red raises the target and blue lowers it; a bar points up or down, and so tells both without colours. All channels
    share one scale, from −s to s, where s is the given percentile of |attribution|.

    Args:
      values: attributions of one example, `[steps, channels]` or `[steps]`.
      series: the series itself, in the same shape.
      names: a name for each channel; None numbers them from 0.
      percentile: in (0, 100]; larger attributions get the full colour.
      title: a line above the panels.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values of another rank or shape, infinite or not real, another number of names, or more than 24
        channels.
      OptionError: a percentile out of range.
    """
    array = _columns(values, "attributions")
    lines = _columns(series, "a series")
    if lines.shape != array.shape:
        raise InputError(f"a series must be {list(array.shape)}, as its attributions are. Got {list(lines.shape)}.")
    inputs.require_no_infinity(array)
    labels = read_names(names, array.shape[1])
    if len(labels) > _MOST:
        raise InputError(f"a series is drawn with at most {_MOST} channels; choose some. Got {len(labels)}.")
    limit = inputs.largest(array, percentile) or 1.0
    figure = new_figure(_WIDTH, 0.7 + _PANEL * len(labels))
    panels = figure.subplots(len(labels), sharex=True, squeeze=False)[:, 0]
    for channel, (panel, label) in enumerate(zip(panels, labels, strict=True)):
        _draw(panel, lines[:, channel], array[:, channel], limit)
        panel.set_ylabel(label if names is not None else f"channel {label}", fontsize=9, parse_math=False)
    panels[-1].set_xlabel("step", fontsize=9)
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    scale = ScalarMappable(Normalize(-limit, limit), palette())
    figure.colorbar(scale, ax=list(panels), label=UNITS if len(labels) > 1 else "", fraction=0.03)
    set_title(panels[0], title)
    return to_image(figure)


def _columns(values: npt.ArrayLike, what: str) -> np.ndarray:
    array = inputs.numbers(values, what)
    if array.ndim not in (1, 2) or not array.size:
        raise InputError(f"{what} must be [steps, channels] or [steps], of one example. Got shape {array.shape}.")
    return array[:, None] if array.ndim == 1 else array


def _draw(axis: Any, line: np.ndarray, attributions: np.ndarray, limit: float) -> None:
    from matplotlib.collections import LineCollection

    colours, steps = palette(), np.arange(len(line))
    low, high = float(np.nanmin(line)), float(np.nanmax(line))
    room = (high - low) or 1.0
    shares = np.clip(np.nan_to_num(attributions) / limit, -1, 1)
    middle = low - 0.35 * room  # of the bars, in a band below the line
    axis.bar(steps, 0.25 * room * shares, 0.9, middle, color=colours((attributions / limit + 1) / 2))
    axis.axhline(middle, color="black", linewidth=0.5)
    # Each point owns the halves of its two neighbouring pieces, so that a step has the colour of its own attribution.
    between = np.arange(-0.5, len(line))
    at = np.sort(np.concatenate([steps, between[1:-1]]))
    points = np.stack([at, np.interp(at, steps, line)], 1)
    pieces = np.stack([points[:-1], points[1:]], 1)
    owners = np.rint((pieces[:, 0, 0] + pieces[:, 1, 0]) / 2 + 1e-9).astype(int) if len(pieces) else []
    axis.plot(steps, line, color="#969696", linewidth=3.4, solid_capstyle="round")
    if len(pieces):
        shades = colours((attributions[owners] / limit + 1) / 2)
        axis.add_collection(LineCollection(list(pieces), colors=shades, linewidths=2.2))
    axis.set_xlim(-0.5, len(line) - 0.5)
    axis.set_ylim(low - 0.65 * room, high + 0.08 * room)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
