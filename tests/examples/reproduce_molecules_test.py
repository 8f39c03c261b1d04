import json

import keras
import numpy as np
from PIL import Image
import pytest

from molecule_parts import nets, scores
from molecule_parts.drawing import layout
from molecule_parts.graphs import ATOMS, LARGEST, Molecule, distances, encoded, molecules, rewired
from reproduce_molecules import EXPERIMENT, explained

_KNOWN = molecules(40, seed=5)
_CARBON, _NITROGEN, _OXYGEN = range(3)
# O=C(-N-C)-C-N, an amide; and O=C(-C-N)-C-N, with the same pieces and none.
_AMIDE = Molecule((_OXYGEN, _CARBON, _NITROGEN, _CARBON, _CARBON, _NITROGEN), {
    (0, 1): 2, (1, 2): 1, (2, 3): 1, (1, 4): 1, (4, 5): 1,
})  # fmt: skip
_NO_AMIDE = Molecule(_AMIDE.atoms, {(0, 1): 2, (1, 3): 1, (2, 3): 1, (1, 4): 1, (4, 5): 1})


def _matrix(graph):
    """The orders of all bonds, `[atoms, atoms]`."""
    matrix = np.zeros((len(graph.atoms), len(graph.atoms)), int)
    for (a, b), order in graph.bonds.items():
        matrix[a, b] = matrix[b, a] = order
    return matrix


def _amide_atoms(graph):
    orders, atoms = _matrix(graph), np.array(graph.atoms)
    carbons = atoms == _CARBON
    doubles = (orders == 2) & carbons[:, np.newaxis] & (atoms == _OXYGEN)
    singles = (orders == 1) & carbons[:, np.newaxis] & (atoms == _NITROGEN)
    middle = doubles.any(1) & singles.any(1)
    return set(np.flatnonzero(middle | doubles[middle].any(0) | singles[middle].any(0)).tolist())


def _network(kind, seed=0):
    """An untrained network whose biases are not zero."""
    keras.utils.set_random_seed(seed)
    model = nets.network(carries=kind == nets.FULL)
    generator = np.random.default_rng(seed)
    model.set_weights([weight + 0.1 * generator.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def _logit(model, graph):
    """The logit of a molecule, atom by atom and bond by bond."""
    dense = [layer.get_weights() for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    messages = [layer for layer in model.layers if isinstance(layer, nets.Messages)]
    rectified = lambda values: np.maximum(values, 0)  # noqa: E731
    kernel, bias = dense[0]
    states = [rectified(kernel[kind] + bias) for kind in graph.atoms]
    for layer, (kernel, bias) in zip(messages, dense[1:4], strict=True):
        (weights,) = layer.get_weights()
        new = []
        for atom, state in enumerate(states):
            total = state @ kernel + bias
            for other, order in graph.neighbours(atom):
                total = total + (states[other] @ weights[:, order - 1] if layer.carries else weights[order - 1])
            new.append(rectified(total))
        states = new
    hidden = rectified(sum(states) @ dense[4][0] + dense[4][1])
    return float((hidden @ dense[5][0] + dense[5][1])[0])


def test_molecules_keep_valences_and_classes():
    np.testing.assert_array_equal(np.bincount(_KNOWN.kinds), [20, 10, 10])
    for graph, kind, label in zip(_KNOWN.graphs, _KNOWN.kinds, _KNOWN.labels, strict=True):
        orders = _matrix(graph)
        assert (orders.sum(0) <= np.array([4, 3, 2, 1])[list(graph.atoms)]).all()
        assert 8 <= len(graph.atoms) <= LARGEST
        assert (np.linalg.matrix_power((orders > 0) + np.eye(len(orders)), len(orders)) > 0).all()  # connected
        assert graph.motif == _amide_atoms(graph)
        assert bool(graph.motif) == (kind == 0) == bool(label)
    assert any(len(graph.bonds) >= len(graph.atoms) for graph in _KNOWN.graphs)  # a ring
    assert molecules(40, seed=5).graphs == _KNOWN.graphs


def test_what_a_molecule_tells():
    assert _AMIDE.motif == {0, 1, 2}
    assert _NO_AMIDE.motif == frozenset()
    assert _AMIDE.alike(1) == (_CARBON, 2, 1)
    assert _AMIDE.surroundings(5) == [(1, (_CARBON, 2, 0))]
    assert distances(_AMIDE.bonds, 0) == {0: 0, 1: 1, 2: 2, 4: 2, 3: 3, 5: 3}


def test_a_decoy_has_the_same_atoms_with_the_same_bonds():
    generator = np.random.default_rng(1)
    amides = [graph for graph in _KNOWN.graphs if graph.motif]
    decoys = [rewired(graph, generator) for graph in amides]
    assert sum(decoy is not None for decoy in decoys) >= 15
    model = _network(nets.DEGENERATE)
    for graph, decoy in zip(amides, decoys, strict=True):
        if decoy:
            assert not _amide_atoms(decoy) and len(distances(decoy.bonds, 0)) == len(decoy.atoms)
            assert all(graph.alike(atom) == decoy.alike(atom) for atom in range(len(graph.atoms)))
            first, second = model(encoded([graph, decoy])).numpy()[:, 0]
            assert first == pytest.approx(second, rel=1e-12)
    assert rewired(Molecule((_CARBON, _OXYGEN, _NITROGEN), {(0, 1): 2, (0, 2): 1}), generator) is None


@pytest.mark.parametrize("kind", [nets.FULL, nets.DEGENERATE])
def test_a_network_computes_what_a_loop_over_the_graph_does(kind):
    model = _network(kind)
    largest = Molecule(
        (_CARBON,) * LARGEST, {(atom, atom + 1): 1 for atom in range(LARGEST - 1)} | {(0, 4): 1, (8, 13): 1}
    )
    graphs = [_AMIDE, largest, *_KNOWN.graphs[:4], largest]  # the last one has as many bonds as there may be
    found = model(encoded(graphs)).numpy()[:, 0]
    np.testing.assert_allclose(found, [_logit(model, graph) for graph in graphs], rtol=1e-10)


def test_encoding_has_both_directions_in_order():
    atoms, ends, orders = encoded([_AMIDE])
    np.testing.assert_array_equal(atoms[0].argmax(-1)[:6], _AMIDE.atoms)
    assert atoms.sum() == 6 and atoms.shape == (1, LARGEST + 1, len(ATOMS))
    assert (np.diff(ends[0, :, 1]) >= 0).all() and ends[0, -1].tolist() == [LARGEST, LARGEST]
    matrix = np.zeros((6, 6), int)
    for (source, to), order in zip(ends[0, :10], orders[0, :10], strict=True):
        matrix[to, source] = order + 1
    np.testing.assert_array_equal(matrix, _matrix(_AMIDE))


@pytest.mark.long  # the forward pass, and the scores of made-up attributions, have shorter tests
@pytest.mark.parametrize("kind", [nets.FULL, nets.DEGENERATE])
def test_attributions_of_atoms_add_up_and_tell_the_networks_apart(kind):
    model, graphs = _network(kind), _KNOWN.graphs[:6]
    relevance, gap = explained(model, graphs, steps=128)
    assert gap < 1e-2
    atoms, *bonds = encoded(graphs)
    change = model([atoms, *bonds]).numpy()[:, 0] - model([np.zeros_like(atoms), *bonds]).numpy()[:, 0]
    np.testing.assert_allclose(relevance.sum(1), change, atol=1e-2 * np.abs(change).max())
    for graph, row in zip(graphs, relevance, strict=True):
        assert (row[len(graph.atoms) :] == 0).all()
    alike, elsewhere = scores.differences(graphs, relevance)
    assert len(elsewhere) > 10
    if kind == nets.FULL:
        assert scores.different(elsewhere) > 0.9
    else:
        assert alike.max() <= 1e-9


def test_scores_of_a_hand_made_case():
    # The carbons 3 and 4 have one bond and two, the nitrogens 2 and 5 two bonds and one: none are alike.
    assert list(scores.pairs_alike(_AMIDE)) == []
    # In the other graph, the carbons 3 and 4 are alike, and so are the nitrogens 2 and 5, all in the same surroundings.
    assert list(scores.pairs_alike(_NO_AMIDE)) == [(2, 5), (3, 4)]
    row = np.zeros((1, LARGEST + 1))
    row[0, :6] = [0, 5, 1, 4, 2, 1.0]
    alike, elsewhere = scores.differences([_NO_AMIDE], row)
    np.testing.assert_allclose(alike, [0, 0.5])
    assert len(elsewhere) == 0
    # In C-O-C-N-C, the carbons at both ends are alike, and one of them has an oxygen beside it, one a nitrogen.
    chain = Molecule((_CARBON, _OXYGEN, _CARBON, _NITROGEN, _CARBON), {(0, 1): 1, (1, 2): 1, (2, 3): 1, (3, 4): 1})
    _, elsewhere = scores.differences([chain], row)
    np.testing.assert_allclose(elsewhere, [1.0])
    assert scores.different(np.array([0.005, 0.02, 0.5, 0])) == 0.5
    assert scores.relative_difference(-1, 1) == 2 and scores.relative_difference(0, 0) == 0
    assert scores.in_motif([_AMIDE, _AMIDE], np.stack([row[0], np.roll(row[0], 2)])) == (0.5, 0.5)
    row[0, 3] = 5  # as much as atom 1
    assert scores.in_motif([_AMIDE], row) == (0.5, 0.5)


def test_a_layout_keeps_bonds_equally_long():
    chain = Molecule((_CARBON,) * 3, {(0, 1): 1, (1, 2): 1})
    places = layout(chain)
    assert np.linalg.norm(places[0] - places[2]) == pytest.approx(2, abs=0.02)
    for graph in _KNOWN.graphs[:8]:
        places = layout(graph)
        lengths = [np.linalg.norm(places[a] - places[b]) for a, b in graph.bonds]
        assert min(lengths) > 0.5 and max(lengths) < 1.5


@pytest.mark.long  # the whole script; its parts have tests of their own
def test_the_script_writes_its_page(quick_runs):
    made = quick_runs("reproduce_molecules")
    found = json.loads(made.file(".json").read_text("utf-8"))
    assert [(row["finding"], row["kind"]) for row in found["findings"]] == [
        ("1", nets.DEGENERATE),
        ("2", nets.FULL),
        ("3", nets.FULL),
    ]
    assert found["findings"][0]["verdict"] == "holds"
    assert f"]({made.file('.png').name})" in made.page and EXPERIMENT.findings[0].statement in made.printed
    with Image.open(made.file(".png")) as picture:
        assert picture.format == "PNG"
