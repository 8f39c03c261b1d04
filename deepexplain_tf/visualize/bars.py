"""Bars: the features of one example, largest first."""

from collections.abc import Sequence
import html

import numpy as np
import numpy.typing as npt
from PIL import Image

from deepexplain_tf.errors import InputError
from deepexplain_tf.visualize import features
from deepexplain_tf.visualize.figure import NEGATIVE, POSITIVE, UNITS, new_figure, read_names, set_title, to_image

_ROW, _WIDTH = 0.28, 6.4  # inches


def bars(
    values: npt.ArrayLike,
    names: Sequence[object] | None = None,
    *,
    inputs: Sequence[object] | npt.ArrayLike | None = None,
    top: int = 10,
    title: str | None = None,
) -> Image.Image:
    """Draws a bar for each feature of one example: to the right what speaks for the target, to the left what against.

    The `top` features with the largest |attribution| come first, with their values at the inputs; one bar has the sum
    of all others, so that the bars add up to what the attributions do.

    Args:
      values: attributions `[features]`; NaN is a feature without one, and left out.
      names: a name for each feature; None numbers them from 0.
      inputs: the value of each feature, shown beside its name.
      top: the number of bars, ≥ 1, besides that of the others.
      title: a line above the bars.

    Returns:
      An RGB image.

    Raises:
      DeepExplainError: matplotlib is missing; `pip install 'deepexplain_tf[plots]'` installs it.
      InputError: values of another rank, infinite or not real, or another number of names or inputs.
      OptionError: `top` out of range.
    """
    array = features.of_example(values)
    rows = _rows(array, read_names(names, len(array)), inputs, top)
    figure = new_figure(_WIDTH, 1.0 + _ROW * len(rows))
    axis = figure.subplots()
    lengths = [length for _, length in rows]
    drawn = axis.barh(range(len(rows)), lengths, color=[POSITIVE if n > 0 else NEGATIVE for n in lengths])
    axis.bar_label(drawn, [f"{length:+.3g}" for length in lengths], padding=3, fontsize=9)
    axis.set_yticks(range(len(rows)), labels=[label for label, _ in rows], fontsize=9, parse_math=False)
    axis.invert_yaxis()
    axis.axvline(0, color="black", linewidth=0.8)
    axis.margins(x=0.18)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.set_xlabel(UNITS, fontsize=9)
    set_title(axis, title)
    return to_image(figure)


def bars_html(
    values: npt.ArrayLike,
    names: Sequence[object] | None = None,
    *,
    inputs: Sequence[object] | npt.ArrayLike | None = None,
    top: int = 10,
    title: str | None = None,
) -> str:
    """Returns the bars as an HTML table, which needs no matplotlib; any text in names and values is shown as it is.

    All arguments are those of `bars`.

    Raises:
      InputError: values of another rank, infinite or not real, or another number of names or inputs.
      OptionError: `top` out of range.
    """
    array = features.of_example(values)
    rows = _rows(array, read_names(names, len(array)), inputs, top)
    limit = max((abs(length) for _, length in rows), default=0.0) or 1.0
    lines = "".join(_line(label, length, length / limit) for label, length in rows)
    head = f'<caption style="text-align:left;font-weight:600">{html.escape(title)}</caption>' if title else ""
    return f'<table class="dx-bars" style="border-collapse:collapse">{head}<tbody>{lines}</tbody></table>'


def _line(label: str, length: float, share: float) -> str:
    """Returns a row: the label, a bar left or right of the middle, and the number."""
    start, width = (50, 50 * share) if share > 0 else (50 + 50 * share, -50 * share)
    colour = POSITIVE if share > 0 else NEGATIVE
    bar = (
        f'<div style="position:relative;width:16em;height:1em"><div style="position:absolute;left:50%;top:0;bottom:0;'
        f'border-left:1px solid currentColor"></div><div style="position:absolute;left:{start:.1f}%;width:{width:.1f}%;'
        f'top:0;bottom:0;background:{colour}"></div></div>'
    )
    cell = '<td style="padding:1px 6px;text-align:right">'
    return (
        f'<tr><th scope="row" style="padding:1px 6px;text-align:right;font-weight:400">{html.escape(label)}</th>'
        f"<td>{bar}</td>{cell}{length:+.3g}</td></tr>"
    )


def _rows(
    array: np.ndarray, names: Sequence[str], inputs: Sequence[object] | npt.ArrayLike | None, top: int
) -> list[tuple[str, float]]:
    """Returns the label and the length of each bar."""
    shown = None if inputs is None else list(np.asarray(inputs))
    if shown is not None and len(shown) != len(array):
        raise InputError(f"inputs must be a value for each of {len(array)} features. Got {len(shown)}.")
    ranked = features.ranked(np.abs(array), top)
    first, others = ([place for place in places if not np.isnan(array[place])] for places in ranked)
    beside = [""] * len(array) if shown is None else [f" = {features.number(value)}" for value in shown]
    rows = [(names[place] + beside[place], float(array[place])) for place in first]
    if len(others) == 1:
        return [*rows, (names[others[0]] + beside[others[0]], float(array[others[0]]))]
    return [*rows, (f"{len(others)} others", float(array[others].sum()))] if others else rows
