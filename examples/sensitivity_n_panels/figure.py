"""The figure: Sensitivity-n of each method over n, one panel for each kind of net."""

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.visualize.figure import new_figure, to_image
from reproductions.nets import KINDS
from sensitivity_n_panels.measure import DEEPLIFT, GRADIENT, INTEGRATED, LRP, OCCLUSION, Figures

# Method → name, colour, line, width; where curves coincide, the wider one stays visible under the narrower one.
STYLES = {
    OCCLUSION: ("Occlusion-1", "#222222", "-", 1.6),
    GRADIENT: ("gradient × input", "#1f77b4", "-", 4.0),
    LRP: ("ε-LRP", "#d62728", (0, (1.5, 1.5)), 2.0),
    INTEGRATED: ("Integrated Gradients", "#2ca02c", "-", 4.0),
    DEEPLIFT: ("DeepLIFT (Rescale)", "#ff7f0e", (0, (4, 2)), 2.0),
}
_DRAWN = (GRADIENT, INTEGRATED, DEEPLIFT, LRP, OCCLUSION)  # from the back to the front
_COLUMNS = 4


def draw(figures: Mapping[str, Sequence[Figures]]) -> Image.Image:
    """Returns the figure; lines are means over the nets, bands span the 95 % intervals of all nets."""
    rows, columns = math.ceil(len(figures) / _COLUMNS), min(len(figures), _COLUMNS)
    size = (max(3.1 * columns, 7), 2.7 * rows + 0.4)  # as wide as the legend
    picture = new_figure(*size)
    grid = picture.subplots(rows, columns, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for axis, (name, nets) in zip(axes, figures.items(), strict=False):
        _panel(axis, name, nets)
    for row in range(rows):
        grid[row, 0].set_ylabel("mean correlation")
    for axis in axes[len(figures) :]:
        axis.axis("off")
    known = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    names = [name for name, *_ in STYLES.values() if name in known]
    picture.legend([known[name] for name in names], names, loc="outside lower center", ncols=len(names), frameon=False)
    return to_image(picture, dpi=110)


def _panel(axis: Any, name: str, nets: Sequence[Figures]) -> None:
    for method in _DRAWN:
        if any(method not in net.mean for net in nets):
            continue
        label, colour, line, width = STYLES[method]
        low = np.min([net.interval[method][0] for net in nets], axis=0)
        high = np.max([net.interval[method][1] for net in nets], axis=0)
        axis.fill_between(nets[0].n, low, high, color=colour, alpha=0.15, linewidth=0)
        mean = np.mean([net.mean[method] for net in nets], axis=0)
        soft = 0.45 if width > 3 else 1.0
        axis.plot(nets[0].n, mean, color=colour, linestyle=line, linewidth=width, alpha=soft, label=label)
    lost = [STYLES[method][0] for method in _DRAWN if any(method not in net.mean for net in nets)]
    if lost:
        axis.text(0.04, 0.06, f"{', '.join(lost)}: not finite", transform=axis.transAxes, fontsize=8, color="#555555")
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.set_title(KINDS[name].title, fontsize=10)
    axis.set_xlabel(f"n of {nets[0].features} features removed", fontsize=9)
    axis.set_ylim(-0.1, 1.05)
    axis.grid(alpha=0.3, linewidth=0.5)
