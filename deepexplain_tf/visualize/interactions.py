"""The matrix of interactions, drawn with matplotlib (the extra `plots`)."""

from collections.abc import Sequence

import numpy.typing as npt
from PIL import Image

from deepexplain_tf.visualize import inputs
from deepexplain_tf.visualize.figure import UNITS, new_figure, palette, read_names, set_title, to_image

_CELL, _SMALLEST, _LARGEST, _LETTER = 0.3, 2.0, 16.0, 0.08  # inches: of a feature, of the whole matrix, of a letter


def interactions(
    values: npt.ArrayLike, names: Sequence[str] | None = None, *, percentile: float = 100.0, title: str | None = None
) -> Image.Image:
    """Draws the interactions of features as a matrix of colours, with the features' names.

    Red raises the target and blue lowers it, white is zero, light grey NaN. A bar shows the scale, from −s to s, where
    s is the given percentile of |values|. Row and column of a cell are its two features.

    Args:
      values: one example, `[features, features]`, such as one of `integrated_hessians`.
      names: a name for each feature; None numbers them from 0.
      percentile: in (0, 100]; larger values get the full colour.
      title: a line above the matrix.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values that are not a square matrix of real numbers, infinite ones, or another number of names.
      OptionError: a percentile out of range.
    """
    matrix = inputs.pairs(values)
    count, limit = len(matrix), inputs.largest(matrix, percentile) or 1.0
    labels = [] if names is None else read_names(names, count)
    side = min(max(_CELL * count, _SMALLEST), _LARGEST)
    beside = _LETTER * max(map(len, labels), default=4)
    figure = new_figure(side + beside + 1.4, side + beside + 0.4)
    axis = figure.subplots()
    drawn = axis.imshow(matrix, cmap=palette(), vmin=-limit, vmax=limit, interpolation="nearest")
    if names is not None:
        look = {"labels": labels, "fontsize": min(9, 58 * side / count), "parse_math": False}
        axis.set_xticks(range(count), rotation=90, **look)
        axis.set_yticks(range(count), **look)
    figure.colorbar(drawn, ax=axis, shrink=0.8, label=UNITS)
    set_title(axis, title)
    return to_image(figure)
