"""Pictures with lesions, explained by several methods and scored by where their lesions are."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import keras
import numpy as np

import deepexplain_tf as dx
from lesion_parts.pictures import Pictures
from lesion_parts.zones import means, negative_inside_positive_rim, zones

INTEGRATED, COMPOSITE, OCCLUSION, RANDOM = "integrated_gradients", "lrp, epsilon_plus_flat", "occlusion", "random map"
WHITE = "from white"
_STEPS = 64
METHODS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    INTEGRATED: ("integrated_gradients", {"n_steps": _STEPS}),
    "saliency": ("saliency", {}),
    "gradient_x_input": ("gradient_x_input", {}),
    "deeplift": ("deeplift", {}),
    "epsilon_lrp": ("epsilon_lrp", {}),
    COMPOSITE: ("lrp", {"composite": "epsilon_plus_flat"}),
    "grad_cam": ("grad_cam", {}),
    OCCLUSION: ("occlusion", {"window_shape": (6, 6, 3), "strides": (3, 3, 3)}),
}
_TOLERANCE = 2  # pixels around a lesion that still count as its place


@dataclasses.dataclass(frozen=True)
class Figures:
    """The figures of a net for the pictures with one kind of lesions.

    Attributes:
      right: the share of these pictures in which the net sees a lesion.
      healthy: the share of the healthy pictures in which it sees none.
      pointing: method → the share of pictures whose most relevant pixel is at most two pixels from a lesion.
      mass: method → the share of the positive relevance in the mask, over the mask's share of the picture.
      signs: the share of pictures whose lesions have, by Integrated Gradients, a negative interior and a positive rim.
      zones: baseline → zone → the mean attribution of a pixel by Integrated Gradients, over pictures, in units of the
        logit.
      gap: the largest gap of completeness of Integrated Gradients, relative to the largest change of the logit.
    """

    right: float
    healthy: float
    pointing: Mapping[str, float]
    mass: Mapping[str, float]
    signs: float
    zones: Mapping[str, Mapping[str, float]]
    gap: float


def recognised(model: keras.Model, known: Pictures, kind: str) -> np.ndarray:
    """Returns whether each picture of a kind is rightly classified."""
    logits = model.predict(known.x[known.kinds == kind], batch_size=100, verbose=0)[:, 0]
    return (logits > 0) == bool(kind)


def maps(model: keras.Model, x: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """Returns attributions of the logit by method, and the relative gap of Integrated Gradients from black."""
    with dx.DeepExplain(model) as de:
        found = {name: de.explain(method, x, batch_size=50, **options) for name, (method, options) in METHODS.items()}
        white = de.explain("integrated_gradients", x, baseline=1.0, n_steps=_STEPS, batch_size=50)
    e = found[INTEGRATED]
    gap = np.abs(e.completeness_gap).max() / np.abs(np.asarray(e.outputs) - e.baseline_outputs).max()
    arrays = {name: e.attributions for name, e in found.items()}
    arrays[RANDOM] = np.random.default_rng(0).uniform(-1, 1, x.shape)
    return {**arrays, WHITE: white.attributions}, float(gap)


def figures(model: keras.Model, known: Pictures, kind: str, count: int) -> Figures:
    """Returns the figures for the first rightly recognised pictures with lesions of a kind."""
    right = recognised(model, known, kind)
    chosen = np.flatnonzero(known.kinds == kind)[right][:count]
    x, masks = known.x[chosen], known.masks[chosen]
    arrays, gap = maps(model, x)
    totals = {"black": arrays[INTEGRATED].sum(-1), "white": arrays.pop(WHITE).sum(-1)}
    pointing: Any = dx.metrics.pointing_game(x, arrays, masks, tolerance=_TOLERANCE)
    mass: Any = dx.metrics.relevance_mass_accuracy(x, arrays, masks)
    share = masks.mean((1, 2))
    return Figures(
        right=float(right.mean()),
        healthy=float(recognised(model, known, "").mean()),
        pointing={name: float(score.mean) for name, score in pointing.items()},
        mass={name: float(np.nanmean(score.per_example / share)) for name, score in mass.items()},
        signs=negative_inside_positive_rim(totals["black"], masks),
        zones={
            baseline: {name: float(np.nanmean(means(total, zone))) for name, zone in zones(masks).items()}
            for baseline, total in totals.items()
        },
        gap=gap,
    )
