"""What attributions of atoms say: of atoms alike in kind and bonds, of amides, of the sum."""

from collections.abc import Iterator, Sequence
import dataclasses
import itertools
from typing import Any

import numpy as np

import deepexplain_tf as dx
from molecule_parts.graphs import Molecule

_DIFFERENT = 0.01  # relative difference of two attributions


@dataclasses.dataclass(frozen=True)
class Scores:
    """The figures of a network.

    Attributes:
      unequal: the largest relative difference between the attributions of two atoms of a molecule that are alike in
        kind and bonds.
      told_apart: the share of such pairs, with other surroundings, whose attributions differ by more than 1 %.
      pairs: how many such pairs with other surroundings there are.
      found: the share of the molecules with an amide, rightly recognised, whose most relevant atom belongs to it.
      by_chance: the mean share of the atoms that belong to the amide in these molecules.
      gap: the largest gap of completeness, relative to the largest change of the logit.
      right: the share of rightly classified amides, decoys and other molecules.
    """

    unequal: float
    told_apart: float
    pairs: int
    found: float
    by_chance: float
    gap: float
    right: tuple[float, float, float]


def relative_difference(a: float, b: float) -> float:
    """Returns |a − b| / max(|a|, |b|), 0 where both are 0."""
    largest = max(abs(a), abs(b))
    return abs(a - b) / largest if largest else 0.0


def pairs_alike(graph: Molecule) -> Iterator[tuple[int, int]]:
    """Returns the pairs of atoms of the same kind, with as many bonds of each order."""
    seen = [graph.alike(atom) for atom in range(len(graph.atoms))]
    return ((a, b) for a, b in itertools.combinations(range(len(seen)), 2) if seen[a] == seen[b])


def differences(graphs: Sequence[Molecule], relevance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the relative differences of all pairs alike, and of those among them with other surroundings.

    Args:
      graphs: the molecules.
      relevance: the attribution of each atom, `[batch, atoms]`.
    """
    alike, elsewhere = [], []
    for graph, row in zip(graphs, relevance, strict=True):
        for a, b in pairs_alike(graph):
            alike.append(relative_difference(float(row[a]), float(row[b])))
            if graph.surroundings(a) != graph.surroundings(b):
                elsewhere.append(alike[-1])
    return np.array(alike), np.array(elsewhere)


def different(found: np.ndarray) -> float:
    """Returns the share of relative differences above 1 %."""
    return float(np.mean(found > _DIFFERENT))


def in_motif(graphs: Sequence[Molecule], relevance: np.ndarray) -> tuple[float, float]:
    """Returns the share of molecules whose most relevant atom is of an amide, and what chance would give.

    Where several atoms are the most relevant ones, as many of them count as are of the amide.
    """
    masks = np.array([[place in graph.motif for place in range(relevance.shape[1])] for graph in graphs])
    hits: Any = dx.metrics.pointing_game(relevance, relevance, masks)
    return float(hits.mean), float(np.mean([len(graph.motif) / len(graph.atoms) for graph in graphs]))


def telling_pair(graph: Molecule) -> tuple[int, int] | None:
    """Returns two atoms alike in kind and bonds of which one belongs to an amide; None where there are none."""
    return next((pair for pair in pairs_alike(graph) if len(graph.motif.intersection(pair)) == 1), None)
