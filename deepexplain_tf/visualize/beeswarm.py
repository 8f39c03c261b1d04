"""The bee-swarm: every example as a point in the row of each feature."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import features
from deepexplain_tf.visualize.figure import UNITS, new_figure, read_names, set_title, to_image

_ROW, _WIDTH, _BINS, _GREY = 0.36, 6.4, 100, "#525252"


def beeswarm(
    values: npt.ArrayLike,
    names: Sequence[object] | None = None,
    *,
    inputs: npt.ArrayLike | None = None,
    top: int = 20,
    title: str | None = None,
) -> Image.Image:
    """Draws the attributions of many examples as points, a row for each feature, that with the largest mean first.

    Where the inputs are given and numbers, a point is as light as its feature's value is high among the examples, by
    rank; points that would cover each other stand above each other.

    Args:
      values: attributions `[examples, features]`; NaN is left out.
      names: a name for each feature; None numbers them from 0.
      inputs: the features' values `[examples, features]`; a column of texts is drawn in grey.
      top: the number of rows, ≥ 1.
      title: a line above the rows.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values of another rank, infinite or not real, inputs of another shape, or another number of names.
      OptionError: `top` out of range.
    """
    array = features.of_examples(values)
    labels = read_names(names, array.shape[1])
    given = None if inputs is None else np.asarray(inputs)
    if given is not None and given.shape != array.shape:
        raise InputError(f"inputs must be {list(array.shape)}, as the attributions are. Got {list(given.shape)}.")
    first, _ = features.ranked(np.abs(np.nan_to_num(array)).mean(0), top)
    figure = new_figure(_WIDTH, 1.0 + _ROW * len(first))
    axis = figure.subplots()
    width = float(np.nanmax(np.abs(array), initial=0.0)) or 1.0
    drawn = None
    for row, place in enumerate(first):
        column = array[:, place]
        kept = ~np.isnan(column)
        ranks = None if given is None else _ranks(given[kept, place])
        look = {"color": _GREY} if ranks is None else {"c": ranks, "cmap": "cividis", "vmin": 0, "vmax": 1}
        points = axis.scatter(column[kept], row + _offsets(column[kept] / width), s=9, linewidths=0, **look)
        drawn = points if ranks is not None else drawn
    axis.set_yticks(range(len(first)), labels=[labels[place] for place in first], fontsize=9, parse_math=False)
    axis.set_ylim(len(first) - 0.5, -0.5)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.set_xlabel(f"attribution, {UNITS}", fontsize=9)
    if drawn is not None:
        bar = figure.colorbar(drawn, ax=axis, ticks=[0, 1], aspect=30)
        bar.set_ticklabels(["low", "high"])
        bar.set_label("value of the feature", fontsize=9)
    set_title(axis, title)
    return to_image(figure)


def _ranks(column: np.ndarray) -> np.ndarray | None:
    """Returns the share of smaller values for each value, equal for equal ones; None for values that are no numbers."""
    if column.dtype.kind == "O":
        try:
            column = column.astype(np.float64)
        except (TypeError, ValueError):
            return None
    if column.dtype.kind not in "biuf":
        return None
    distinct, places = np.unique(column, return_inverse=True)
    return places / max(len(distinct) - 1, 1) if len(distinct) > 1 else np.full(len(column), 0.5)


def _offsets(positions: np.ndarray) -> np.ndarray:
    """Returns how far each point of a row stands off its middle, within ±0.4; those of one place spread evenly."""
    bins = np.round(positions * _BINS / 2)
    offsets = np.zeros(len(positions))
    largest = max(np.unique(bins, return_counts=True)[1], default=1)
    for place in np.unique(bins):
        members = np.flatnonzero(bins == place)
        offsets[members] = (np.arange(len(members)) - (len(members) - 1) / 2) * min(0.8 / largest, 0.08)
    return offsets
