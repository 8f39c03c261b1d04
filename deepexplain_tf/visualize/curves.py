"""Curves of Sensitivity-n, drawn with matplotlib (the extra `plots`)."""

from collections.abc import Mapping
import io
import os
import pathlib
from typing import TYPE_CHECKING, Any

import numpy as np

from deepexplain_tf.errors import OptionError
from deepexplain_tf.visualize.figure import new_figure

if TYPE_CHECKING:
    from deepexplain_tf.metrics.sensitivity_n import SensitivityN

_FORMATS = ("png", "pdf", "svg")
_LINES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))


def picture_format(path: str | os.PathLike[str]) -> str:
    """Returns the format that a path's suffix names; OptionError unless it is .png, .pdf or .svg."""
    suffix = pathlib.Path(path).suffix.lower().lstrip(".")
    if suffix not in _FORMATS:
        raise OptionError(f"a figure must be a .png, .pdf or .svg file. Got {os.fspath(path)!r}.")
    return suffix


def draw_curves(curves: "Mapping[str, SensitivityN]", picture: str) -> bytes:
    """Returns a file in the format `picture` with each method's mean over n, in a band of its 95 % interval."""
    figure = new_figure(6.4, 4.2)
    axis = figure.subplots()
    for place, (label, score) in enumerate(curves.items()):
        colour = f"C{place % 10}"
        low, high = score.interval
        axis.fill_between(score.n, low, high, color=colour, alpha=0.15, linewidth=0)
        # The first curve is the widest, so that it stays visible under curves that coincide with it.
        width = 1.5 + 2.5 * (1 - (place + 1) / len(curves))
        look = {"color": colour, "linestyle": _LINES[place % 4], "linewidth": width, "alpha": 0.8}
        axis.plot(score.n, score.mean, label=label, **look)
    _dress(axis, curves)
    columns = -(-len(curves) // -(-len(curves) // 3))  # at most three, in rows of even length
    figure.legend(loc="outside lower center", ncols=columns, frameon=False, handlelength=3)
    file = io.BytesIO()
    figure.savefig(file, format=picture, dpi=150)
    return file.getvalue()


def _dress(axis: Any, curves: "Mapping[str, SensitivityN]") -> None:
    least = min(np.nanmin(score.interval, initial=0) for score in curves.values())
    axis.set_ylim(max(-1.05, min(-0.05, float(least) - 0.05)), 1.05)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_xlabel("n: how many features are removed at once")
    axis.set_ylabel("correlation, mean over the examples")
    axis.set_title("Sensitivity-n", fontsize=11)
    axis.grid(alpha=0.3, linewidth=0.5)
