"""The figure: accuracy over the share of removed pixels, and pictures without them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image

from deepexplain_tf.visualize.figure import new_figure, to_image

_COLOURS = {
    "random": "#222222",
    "gradient": "#1f77b4",
    "absolute gradient": "#7fb2d9",
    "gradient × input": "#9467bd",
    "Integrated Gradients": "#2ca02c",
    "DeepLIFT": "#8c564b",
    "SmoothGrad": "#e377c2",
    "SmoothGrad, squared": "#d62728",
    "VarGrad": "#ff7f0e",
}


class Curves(Protocol):
    """What is drawn of a network."""

    @property
    def whole(self) -> float:
        """The accuracy on whole pictures."""

    @property
    def retrained(self) -> Mapping[str, np.ndarray]:
        """Method → accuracy for each share, after training again."""

    @property
    def kept(self) -> Mapping[str, np.ndarray]:
        """The same of the network that was trained on whole pictures."""


def draw(curves: Sequence[Curves], shares: Sequence[float], pictures: Mapping[str, np.ndarray]) -> Image.Image:
    """Returns the figure; lines are means over the networks, bands span all of them.

    Args:
      curves: those of each network.
      shares: the shares of removed pixels.
      pictures: method → a picture `[shares, height, width]` without each share.
    """
    figure = new_figure(10, 4.4 + 1.25 * len(pictures))
    above, below = figure.subfigures(2, 1, height_ratios=[4.4, 1.25 * len(pictures)])
    axes = above.subplots(1, 2)
    lines = [("trained again without these pixels", "retrained"), ("not trained again", "kept")]
    for axis, (title, attribute) in zip(axes, lines, strict=True):
        _panel(axis, title, [(one.whole, getattr(one, attribute)) for one in curves], shares)
    axes[0].set_ylabel("test accuracy")
    above.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=9, frameon=False)
    grid = below.subplots(len(pictures), len(shares), squeeze=False)
    largest = max(float(np.abs(rows).max()) for rows in pictures.values())
    for row, (name, rows) in zip(grid, pictures.items(), strict=True):
        row[0].set_ylabel(name.replace(", ", ",\n").replace(" G", "\nG"), fontsize=8)
        for axis, picture in zip(row, rows, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=largest)
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, share in zip(grid[0], shares, strict=True):
        axis.set_title(f"{share:.0%} removed", fontsize=8)
    return to_image(figure, dpi=90)


def _panel(
    axis: Any, title: str, nets: Sequence[tuple[float, Mapping[str, np.ndarray]]], shares: Sequence[float]
) -> None:
    places = 100 * np.array([0, *shares])
    for name, colour in _COLOURS.items():
        rows = np.array([[whole, *accuracy[name]] for whole, accuracy in nets])
        line = "--" if name == "random" else "-"
        axis.plot(places, rows.mean(0), line, color=colour, label=name, linewidth=1.6)
        axis.fill_between(places, rows.min(0), rows.max(0), color=colour, alpha=0.1, linewidth=0)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("removed, % of the pixels")
    axis.grid(alpha=0.3, linewidth=0.5)
