"""Tries axioms on a method, and keeps the case that is furthest from holding."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np

from axioms.axioms import Axiom, Case
from axioms.functions import Function
import deepexplain_tf as dx
from deepexplain_tf.methods.base import METHODS

DRAWN = ("expected_gradients", "lime", "rise")  # the mean over draws has an error of its own
_LIMIT, _LIMIT_OF_DRAWN = 1e-3, 5e-2
_INTEGRALS = (  # with steps enough for a kink
    "integrated_gradients",
    "internal_influence",
    "layer_conductance",
    "neuron_conductance",
)
_AT_LAYER = ("internal_influence", "layer_conductance")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How far a method is from an axiom.

    Attributes:
      distance: the largest distance over the cases.
      case: the case of that distance.
      attributions: those of the functions of that case.
      holds: whether the distance is within the limit.
    """

    distance: float
    case: Case
    attributions: tuple[np.ndarray, ...]
    holds: bool

    def __str__(self) -> str:
        return "yes" if self.holds else f"{self.distance:.2g}"


def _options(method: str) -> dict[str, Any]:
    """Returns the options with which a method is tried: exact, or with few draws."""
    options: dict[str, Any] = {"at": "features"} if "cam" in method else {}
    if method == "neuron_conductance":
        options = {"at": "value", "neuron": 0}
    if method in DRAWN:
        options |= {"n_samples": 4096, "seed": 0}
    if method in _INTEGRALS:
        options |= {"n_steps": 4096}
    return options


@functools.cache
def _attributions(method: str, function: Function, x: tuple[float, ...], x0: tuple[float, ...]) -> np.ndarray:
    """Returns the attributions of the four features."""
    options, start = _options(method), np.array(x0).reshape(4, 1)
    if METHODS[method].uses_baseline:
        options["baseline"] = start
    elif method == "expected_gradients":
        options["background"] = start[np.newaxis]
    with dx.DeepExplain(function.model(), layer="features" if method in _AT_LAYER else None) as de:
        e = de.explain(method, np.array(x).reshape(1, 4, 1), target=0, **options)
    pairs = e.attributions.reshape(1, 4, 4).sum(2) if METHODS[method].pairwise else e.attributions
    keras.utils.clear_session(free_memory=False)
    return np.asarray(pairs).reshape(4)


def judge(method: str, axiom: Axiom, quick: bool = False) -> Verdict:
    """Returns the verdict on a method and an axiom.

    Args:
      method: its name.
      axiom: the axiom.
      quick: whether only the first two cases are tried.
    """
    limit = _LIMIT_OF_DRAWN if method in DRAWN else _LIMIT
    tried = []
    for case in axiom.cases[: 2 if quick else None]:
        if case.x0.any() and not METHODS[method].uses_baseline and method != "expected_gradients":
            continue  # what has no baseline compares with zeros, if with anything
        found = tuple(_attributions(method, function, tuple(case.x), tuple(case.x0)) for function in case.functions)
        tried.append((axiom.distance(case, found), case, found))
    distance, case, found = max(tried, key=lambda one: one[0])
    return Verdict(distance, case, found, distance <= limit)
