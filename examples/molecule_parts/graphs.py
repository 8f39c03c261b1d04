"""Molecule-like graphs: trees with a few rings, whose atoms keep their valences; some have an amide."""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np

ATOMS = "CNOF"
_VALENCES = (4, 3, 2, 1)
_SHARES = (0.55, 0.2, 0.2, 0.05)  # of the kinds of atoms
_CARBON, _NITROGEN, _OXYGEN = range(3)
LARGEST = 14  # atoms of a molecule
_SMALLEST = 8
_RINGS = 2  # at most
_DOUBLE = 0.35  # the chance that two atoms with free valences get a double bond
_TRIES = 60  # of changes that make a decoy

Bond = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Molecule:
    """A connected graph.

    Attributes:
      atoms: the kind of each atom, an index into `ATOMS`.
      bonds: pair of atoms, the smaller first → 1 for a single and 2 for a double bond.
    """

    atoms: tuple[int, ...]
    bonds: dict[Bond, int]

    def neighbours(self, atom: int) -> list[tuple[int, int]]:
        """Returns the neighbours of an atom, each with the order of its bond."""
        return [(a + b - atom, order) for (a, b), order in self.bonds.items() if atom in (a, b)]

    def alike(self, atom: int) -> tuple[int, int, int]:
        """Returns what the degenerate network sees: kind, number of single bonds, number of double bonds."""
        orders = [order for _, order in self.neighbours(atom)]
        return self.atoms[atom], orders.count(1), orders.count(2)

    def surroundings(self, atom: int) -> list[tuple[int, tuple[int, int, int]]]:
        """Returns each neighbour by the order of its bond, its kind and its bonds, in an order that tells nothing."""
        return sorted((order, self.alike(other)) for other, order in self.neighbours(atom))

    @property
    def motif(self) -> frozenset[int]:
        """The atoms of all amides: a carbon, an oxygen bonded doubly to it, a nitrogen bonded singly to it."""
        found: set[int] = set()
        for carbon, kind in enumerate(self.atoms):
            around = self.neighbours(carbon)
            oxygens = {other for other, order in around if order == 2 and self.atoms[other] == _OXYGEN}
            nitrogens = {other for other, order in around if order == 1 and self.atoms[other] == _NITROGEN}
            if kind == _CARBON and oxygens and nitrogens:
                found |= {carbon} | oxygens | nitrogens
        return frozenset(found)


@dataclasses.dataclass(frozen=True)
class Molecules:
    """Molecules, each with its class.

    Attributes:
      graphs: the molecules.
      kinds: of each, 0 for one with an amide, 1 for a decoy (the same atoms with as many bonds of each order, none of
        them an amide), 2 for any other without an amide.
    """

    graphs: list[Molecule]
    kinds: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """1 for a molecule with an amide, else 0."""
        return (self.kinds == 0).astype(np.int32)


def molecules(count: int, seed: int) -> Molecules:
    """Returns molecules: half of them with an amide, a quarter decoys of these, a quarter others."""
    generator = np.random.default_rng(seed)
    quarter = count // 4
    amides: list[Molecule] = []
    decoys: list[Molecule] = []
    while len(decoys) < quarter:
        amides.append(_drawn(True, generator))
        if decoy := rewired(amides[-1], generator):
            decoys.append(decoy)
    others = [_drawn(False, generator) for _ in range(quarter)]
    amides += [_drawn(True, generator) for _ in range(2 * quarter - len(amides))]
    parts = [amides[: 2 * quarter], decoys, others]
    kinds = np.repeat(range(3), [len(part) for part in parts])
    order = generator.permutation(len(kinds))
    everything = [molecule for part in parts for molecule in part]
    return Molecules([everything[at] for at in order], kinds[order])


def _drawn(amide: bool, generator: np.random.Generator) -> Molecule:
    """Returns a molecule with an amide, or without one."""
    while bool((molecule := _grown(amide, generator)).motif) != amide:
        pass
    return molecule


def _grown(amide: bool, generator: np.random.Generator) -> Molecule:
    """Returns a random tree around an amide or a carbon, with rings and double bonds where valences are left."""
    size = int(generator.integers(_SMALLEST, LARGEST + 1))
    bonds = {(0, 1): 2, (0, 2): 1} if amide else {}
    core = [_CARBON, _OXYGEN, _NITROGEN] if amide else [_CARBON]
    drawn = generator.choice(len(ATOMS), size - len(core), p=_SHARES).tolist()
    # Atoms that end a branch come late.
    atoms = [*core, *sorted(drawn, key=lambda kind: 3 * generator.random() - _VALENCES[kind])]
    free = [_VALENCES[kind] for kind in atoms]
    for (a, b), order in bonds.items():
        free[a] -= order
        free[b] -= order

    def bond(a: int, b: int) -> None:
        bonds[a, b] = bonds.get((a, b), 0) + 1
        free[a] -= 1
        free[b] -= 1

    for atom in range(len(core), size):
        places = [other for other in range(atom) if free[other]]
        if not places:
            return _grown(amide, generator)
        bond(places[int(generator.integers(len(places)))], atom)
    for _ in range(int(generator.integers(_RINGS + 1))):
        a, b = sorted(generator.choice(size, 2, replace=False).tolist())
        if free[a] and free[b] and distances(bonds, a)[b] in (4, 5):  # rings of five and six
            bond(a, b)
    for (a, b), order in list(bonds.items()):
        if order == 1 and free[a] and free[b] and generator.random() < _DOUBLE:
            bond(a, b)
    return Molecule(tuple(atoms), bonds)


def distances(bonds: Mapping[Bond, int], start: int) -> dict[int, int]:
    """Returns the number of bonds from an atom to each one that can be reached."""
    far, border = {start: 0}, [start]
    while border:
        ends = [(a, b) for pair in bonds for a, b in (pair, pair[::-1])]
        border = list({b for a, b in ends if a in border and b not in far})
        far.update(dict.fromkeys(border, max(far.values()) + 1))
    return far


def rewired(molecule: Molecule, generator: np.random.Generator) -> Molecule | None:
    """Returns a connected decoy: two bonds a–b and c–d of one order become a–d and c–b until no amide is left.

    Every atom keeps its number of bonds of each order. None where no decoy was found.
    """
    bonds = dict(molecule.bonds)
    for _ in range(_TRIES):
        first, second = (list(bonds)[at] for at in generator.choice(len(bonds), 2, replace=False))
        (a, b), (c, d) = first, second if generator.random() < 0.5 else second[::-1]
        new = [tuple(sorted(pair)) for pair in ((a, d), (c, b))]
        if bonds[first] != bonds[second] or len({a, b, c, d}) < 4 or any(pair in bonds for pair in new):
            continue
        order = bonds[first]
        changed = {pair: bonds[pair] for pair in bonds if pair not in (first, second)}
        changed.update({(pair[0], pair[1]): order for pair in new})
        if len(distances(changed, 0)) == len(molecule.atoms):
            bonds = changed
            decoy = Molecule(molecule.atoms, bonds)
            if not decoy.motif:
                return decoy
    return None


def encoded(graphs: Sequence[Molecule]) -> list[np.ndarray]:
    """Returns molecules as a network takes them.

    Returns:
      `[batch, LARGEST + 1, 4]` in float64, the kind of each atom one-hot; the places behind a molecule's atoms are
        zero, and the last place is a dummy that is never an atom.
      `[batch, bonds, 2]`, source and destination of each bond, which stands there in both directions, sorted by
        destination; what is left joins the dummy to itself, at least once.
      `[batch, bonds]`, 0 for a single and 1 for a double bond.
    """
    places = 2 * (LARGEST - 1 + _RINGS) + 1
    atoms = np.zeros((len(graphs), LARGEST + 1, len(ATOMS)))
    ends = np.full((len(graphs), places, 2), LARGEST, np.int32)
    orders = np.zeros((len(graphs), places), np.int32)
    for row, graph in enumerate(graphs):
        atoms[row, range(len(graph.atoms)), graph.atoms] = 1
        directed = sorted((to, other, order) for to in range(len(graph.atoms)) for other, order in graph.neighbours(to))
        ends[row, : len(directed)] = [(source, to) for to, source, _ in directed]
        orders[row, : len(directed)] = [order - 1 for *_, order in directed]
    return [atoms, ends, orders]
