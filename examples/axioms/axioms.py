"""The axioms as checks of attributions: each has cases, and says how far attributions are from it."""

from collections.abc import Callable, Sequence
import dataclasses

import numpy as np

from axioms.functions import (
    ACTIVATIONS,
    BY_RELU,
    BY_SIGMOID,
    BY_SQUARES,
    FLAT,
    LOG_SUM,
    MAXIMUM,
    NESTED,
    PRODUCT,
    SATURATED,
    TANH,
    Function,
    combined,
    network,
)

_ZERO = (0.0, 0.0, 0.0, 0.0)
Attributions = Sequence[np.ndarray]  # of each function of a case, `[4]`


@dataclasses.dataclass(frozen=True)
class Case:
    """Functions that are explained at the same point.

    Attributes:
      functions: the functions.
      x: the point, `[4]`.
      x0: the baseline, `[4]`.
    """

    functions: tuple[Function, ...]
    x: np.ndarray
    x0: np.ndarray

    @property
    def change(self) -> float:
        """F(x) − F(x₀) of the first function."""
        return self.functions[0].value(self.x) - self.functions[0].value(self.x0)


@dataclasses.dataclass(frozen=True)
class Axiom:
    """An axiom.

    Attributes:
      name: its name in the paper.
      asks: what it asks, as a sentence.
      cases: the cases, those that need no chance first.
      distance: how far attributions are from it, relative to the largest of them or to the change; 0 where it holds.
    """

    name: str
    asks: str
    cases: tuple[Case, ...]
    distance: Callable[[Case, Attributions], float]


def _one_feature_moves(case: Case, found: Attributions) -> float:
    (moved,) = np.flatnonzero(case.x != case.x0)
    return float(abs(found[0][moved]) < 1e-3 * abs(case.change))


def _largest(*arrays: np.ndarray) -> float:
    return max(max(float(np.abs(array).max()) for array in arrays), 1e-9)


def _unused(case: Case, found: Attributions) -> float:
    return abs(float(found[0][-1])) / _largest(found[0])


def _same(case: Case, found: Attributions) -> float:
    return float(np.abs(found[0] - found[1]).max()) / _largest(*found)


def _linear(case: Case, found: Attributions) -> float:
    whole, first, second = found
    return float(np.abs(whole - (2 * first - 3 * second)).max()) / _largest(whole, 2 * first, 3 * second)


def _symmetric(case: Case, found: Attributions) -> float:
    return abs(float(found[0][0] - found[0][1])) / _largest(found[0])


def _complete(case: Case, found: Attributions) -> float:
    return abs(float(found[0].sum()) - case.change) / max(abs(case.change), _largest(found[0]))


def _at(functions: Function | tuple[Function, ...], x: Sequence[float] | int, x0: Sequence[float] = _ZERO) -> Case:
    """Returns a case at a point, or at a random one with this seed."""
    point = np.random.default_rng(x).normal(size=4) * 1.5 if isinstance(x, int) else np.array(x, float)
    return Case(functions if isinstance(functions, tuple) else (functions,), point, np.array(x0, float))


def _moved(function: Function, seed: int) -> Case:
    """Returns a case in which only the first feature moves from the baseline."""
    return _at(function, [float(np.random.default_rng(seed).normal()) * 2, 0, 0, 0])


def axioms() -> tuple[Axiom, ...]:
    """Returns the axioms of Sundararajan et al., with the cases on which they are tried."""
    nets = [network(*drawn) for drawn in enumerate(ACTIVATIONS)]
    alike = [network(*drawn, alike=True) for drawn in enumerate(ACTIVATIONS)]
    split = [network(*drawn, split=True) for drawn in enumerate(ACTIVATIONS)]
    pairs = [(nets[0], MAXIMUM), (nets[1], PRODUCT), (nets[2], SATURATED)]
    return (
        Axiom(
            "Sensitivity (a)",
            "The only feature that differs from the baseline gets a share, if the output differs.",
            (_at(SATURATED, [2, 0, 0, 0]), _at(PRODUCT, [0, 2, 0, 0], [1, 2, 0, 0]), *map(_moved, nets, range(3))),
            _one_feature_moves,
        ),
        Axiom(
            "Sensitivity (b)",
            "A feature that nothing depends on gets nothing.",
            tuple(_at(network(*drawn, unused=True), drawn[0]) for drawn in enumerate(ACTIVATIONS)),
            _unused,
        ),
        Axiom(
            "Implementation invariance",
            "Two networks that compute the same function get the same attributions.",
            (
                _at((NESTED, FLAT), [3, 1, 0, 0]),
                _at((TANH, BY_SIGMOID), [0.5, 0.25, 1, 0]),
                _at((PRODUCT, BY_SQUARES), 3),
                _at((MAXIMUM, BY_RELU), [1, 2, 0.5, 0]),
                *(_at(pair, seed) for seed, pair in enumerate(zip(nets, split, strict=True))),
            ),
            _same,
        ),
        Axiom(
            "Linearity",
            "The attributions of 2f − 3g are those of f and g, combined alike.",
            tuple(_at((combined(f, g), f, g), seed) for seed, (f, g) in enumerate(pairs)),
            _linear,
        ),
        Axiom(
            "Completeness",
            "Attributions add up to F(x) − F(x₀).",
            (_at(SATURATED, [2, 1, 0, 0]), _at(PRODUCT, 4), *(_at(net, seed) for seed, net in enumerate(nets))),
            _complete,
        ),
        Axiom(
            "Symmetry",
            "Features that the function does not tell apart, with the same values, get the same.",
            (
                _at(PRODUCT, [1.5, 1.5, -1, 0]),
                _at(LOG_SUM, [2, 2, 1, 0]),
                *(_at(net, [0.75, 0.75, -1, 2]) for net in alike),
            ),
            _symmetric,
        ),
    )
