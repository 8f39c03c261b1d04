"""The drawing of molecules: atoms at the places that a spring layout gives, coloured by attributions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from deepexplain_tf.visualize.figure import new_figure, palette, to_image
from molecule_parts.graphs import ATOMS, Molecule, distances
from molecule_parts.scores import telling_pair

_ROUNDS = 300
_RIM = "#1b9e3a"


def layout(graph: Molecule) -> np.ndarray:
    """Returns places `[atoms, 2]`, whose distances are the numbers of bonds between the atoms, as near as can be.

    Springs join all atoms, and their stiffness falls with the square of their length (Gansner, Koren, North, *Graph
    Drawing by Stress Majorization*, 2004).
    """
    count = len(graph.atoms)
    steps = [distances(graph.bonds, atom) for atom in range(count)]
    far = np.array([[row[other] for other in range(count)] for row in steps])
    stiff = 1 / np.maximum(far, 1) ** 2 * (far > 0)
    inverse = np.linalg.pinv(np.diag(stiff.sum(1)) - stiff)
    places = np.random.default_rng(0).normal(size=(count, 2))
    for _ in range(_ROUNDS):
        between = places[:, np.newaxis] - places
        lengths = np.maximum(np.linalg.norm(between, axis=-1), 1e-9)
        places = inverse @ ((stiff * far / lengths)[..., np.newaxis] * between).sum(1)
    places -= places.mean(0)
    return places @ np.linalg.svd(places)[2].T  # the longest direction lies flat


def draw(graphs: Sequence[Molecule], relevance: Mapping[str, np.ndarray]) -> Image.Image:
    """Draws molecules side by side, in a row for each network.

    Args:
      graphs: the molecules; the bonds of their amides are drawn thick, and the atoms of their telling pair have a rim.
      relevance: name of a network → the attribution of each atom, `[molecules, atoms]`.
    """
    figure = new_figure(3.6 * len(graphs), 3.2 * len(relevance))
    axes = figure.subplots(len(relevance), len(graphs), squeeze=False)
    for row, (name, maps) in zip(axes, relevance.items(), strict=True):
        for axis, graph, values in zip(row, graphs, maps, strict=True):
            _draw_one(axis, graph, values[: len(graph.atoms)])
        row[0].set_title(name, fontsize=11, loc="left")
    return to_image(figure, dpi=90)


def _draw_one(axis: Any, graph: Molecule, values: np.ndarray) -> None:
    places = layout(graph)
    for (a, b), order in graph.bonds.items():
        along = places[b] - places[a]
        aside = 0.07 * np.array([-along[1], along[0]]) / np.linalg.norm(along)
        inside = {a, b} <= graph.motif
        for shift in (-aside, aside) if order == 2 else (0 * aside,):
            ends = np.stack([places[a] + shift, places[b] + shift])
            axis.plot(*ends.T, color="black" if inside else "#999999", linewidth=2.4 if inside else 1.2, zorder=1)
    limit = np.abs(values).max() or 1
    pair = telling_pair(graph) or ()
    rims = [_RIM if atom in pair else "black" for atom in range(len(values))]
    widths = [3.0 if atom in pair else 0.8 for atom in range(len(values))]
    colours = {"c": values, "cmap": palette(), "vmin": -limit, "vmax": limit}
    axis.scatter(*places.T, **colours, s=330, edgecolors=rims, linewidths=widths, zorder=2)
    for kind, place, value in zip(graph.atoms, places, values, strict=True):
        colour = "white" if abs(value) > 0.6 * limit else "black"
        axis.text(*place, ATOMS[kind], ha="center", va="center", color=colour, fontsize=10, zorder=3)
        number = f"{round(value, 2) + 0.0:.2f}"  # 0.00, never -0.00
        paper = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        options = {"textcoords": "offset points", "ha": "center", "fontsize": 7, "zorder": 4, "bbox": paper}
        axis.annotate(number, place, (0, -17), **options)
    axis.set_aspect("equal")
    axis.margins(0.14)
    axis.set_axis_off()
