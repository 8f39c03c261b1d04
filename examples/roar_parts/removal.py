"""Which pixels a method finds relevant."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

import deepexplain_tf as dx

SAMPLES = 15  # under noise, as many as in the paper
_STEPS = 16
_RANDOM = "random"


def _noise(kind: str) -> dict[str, Any]:
    return {"signed": True, "noise": dx.noise(kind, stdev="15%", n_samples=SAMPLES, seed=0)}


# The name on the page → the method and its options; None draws at random.
METHODS: Mapping[str, tuple[str, dict[str, Any]] | None] = {
    _RANDOM: None,
    "gradient": ("saliency", {"signed": True}),
    "absolute gradient": ("saliency", {}),
    "gradient × input": ("gradient_x_input", {}),
    "Integrated Gradients": ("integrated_gradients", {"n_steps": _STEPS}),
    "DeepLIFT": ("deeplift", {}),
    "SmoothGrad": ("saliency", _noise("smoothgrad")),
    "SmoothGrad, squared": ("saliency", _noise("smoothgrad_sq")),
    "VarGrad": ("saliency", _noise("vargrad")),
}


def relevances(model: keras.Model, x: np.ndarray, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yields each method's name and its attributions, shaped like x, of the classes that the network sees."""
    seen = model.predict(x, batch_size=1000, verbose=0).argmax(-1)
    with dx.DeepExplain(model) as de:
        for name, method in METHODS.items():
            if method is None:
                yield name, np.random.default_rng(seed).random(x.shape)
            else:
                yield name, de.explain(method[0], x, target=seen, **method[1]).attributions


def ranked(relevance: np.ndarray) -> np.ndarray:
    """Returns the rank of each pixel among those of its picture, 0 for the most relevant, shaped like `relevance`.

    Equal relevances have a random order: else a method that gives nothing to the background would begin at its top.
    """
    flat = relevance.reshape(len(relevance), -1)
    order = np.random.default_rng(0).permutation(flat.shape[1])
    pixels = order[np.argsort(-flat[:, order], axis=1, kind="stable")]
    ranks = np.empty(flat.shape, np.int32)
    np.put_along_axis(ranks, pixels, np.arange(flat.shape[1], dtype=np.int32)[np.newaxis], axis=1)
    return ranks.reshape(relevance.shape)


def most_relevant(ranks: np.ndarray, share: float) -> np.ndarray:
    """Returns whether each pixel belongs to the most relevant share of its picture, 0 … 1."""
    return ranks < round(share * ranks[0].size)
