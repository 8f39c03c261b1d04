"""Shattered gradients, and noise, in deep random networks of ReLUs."""

import functools
from typing import Any

import numpy as np

import deepexplain_tf as dx
from limits.explained import random_network
from limits.topic import Example, Topic

DEPTHS = (1, 2, 4, 8, 16, 32)
SMOOTH = dx.noise("smoothgrad", stdev=0.25, n_samples=50, seed=0)


@functools.cache
def autocorrelation(seed: int, depth: int, method: str, **options: Any) -> float:
    """Returns how well attributions correlate with those 0.25 further on: the mean over 4 lines of length 4."""
    generator, found = np.random.default_rng((seed, 1)), []
    with dx.DeepExplain(random_network(seed, depth)) as de:
        for start, step in generator.normal(size=(4, 2, 16)):
            line = start + np.linspace(-2, 2, 256)[:, np.newaxis] * step / np.linalg.norm(step)
            along = de.explain(method, line, **options).attributions
            along = along - along.mean(0)
            found.append((along[16:] * along[:-16]).mean() / (along**2).mean())
    return float(np.mean(found))


def fall(seed: int, method: str, **options: Any) -> float:
    """Returns how much lower the autocorrelation is with 32 hidden layers than with one."""
    return autocorrelation(seed, 1, method, **options) - autocorrelation(seed, 32, method, **options)


def gradients_fall(seed: int) -> float:
    """Returns the fall of the gradient's autocorrelation."""
    return fall(seed, "saliency", signed=True)


def integrals_fall_less(seed: int) -> float:
    """Returns by how much less that of Integrated Gradients falls than that of gradient × input."""
    return fall(seed, "gradient_x_input") - fall(seed, "integrated_gradients", n_steps=64)


def smoothed_falls_less(seed: int) -> float:
    """Returns by how much less that of the gradient falls with SmoothGrad than without."""
    return fall(seed, "saliency", signed=True) - fall(seed, "saliency", signed=True, noise=SMOOTH)


def movement(seed: int, method: str, **options: Any) -> float:
    """Returns how far attributions move within 0.02 of each input, relative to their size: the mean of 8 points."""
    x = np.random.default_rng((seed, 1)).normal(size=(8, 16))
    with dx.DeepExplain(random_network(seed, 16)) as de:
        explain = lambda inputs: de.explain(method, inputs, **options).attributions  # noqa: E731
        score = dx.metrics.max_sensitivity(explain, x, radius=0.02, n_samples=20, seed=0)
    assert isinstance(score, dx.metrics.Score)  # several explainers would have several
    return float(score.mean)


def gradients_move(seed: int) -> float:
    """Returns how far gradients move, relative to their size."""
    return movement(seed, "saliency", signed=True)


def smoothed_move_less(seed: int) -> float:
    """Returns how far gradients with SmoothGrad move, as a share of those without."""
    return movement(seed, "saliency", signed=True, noise=SMOOTH) / gradients_move(seed)


def integrals_move_less(seed: int) -> float:
    """Returns how far Integrated Gradients move, as a share of gradient × input."""
    return movement(seed, "integrated_gradients", n_steps=64) / movement(seed, "gradient_x_input")


SHATTERED = Topic(
    "3. Gradients shatter with depth",
    """
The deeper a network of ReLUs, the more linear pieces it has, and the less the gradient here tells of the gradient a
step away (Balduzzi et al., [ICML 2017](https://arxiv.org/abs/1702.08591)). The networks are random, with 16 inputs and
64 units in each layer. Attributions of Integrated Gradients have the factor x − x₀, so they are compared with
gradient × input.
""",
    (
        Example(
            "3a",
            "the deeper the network, the less its gradients correlate with those nearby",
            "the autocorrelation of the gradient with 1 layer, minus that with 32",
            gradients_fall,
            "The gradient of the deep network is forgotten sooner along the line.",
            least=0.1,
            random=True,
        ),
        Example(
            "3b",
            "the attributions of Integrated Gradients suffer less",
            "the fall of gradient × input minus that of Integrated Gradients",
            integrals_fall_less,
            "Integrated Gradients are a mean over a path, which moves less than the gradient at its end.",
            least=0.1,
            random=True,
        ),
        Example(
            "3c",
            "gradients that are averaged over noise suffer less",
            "the fall of the gradient without SmoothGrad minus that with it",
            smoothed_falls_less,
            "SmoothGrad is a mean over neighbours: noise of standard deviation 0.25, 50 samples.",
            least=0.1,
            random=True,
        ),
    ),
    "Do not trust the gradient at one point of a deep network: take `integrated_gradients`, or put "
    '`noise=dx.noise("smoothgrad")` around a method, which costs its samples ([docs/noise.md](../docs/noise.md)).',
    (autocorrelation, fall),
    ("SMOOTH",),
)

NOISY = Topic(
    "4. Gradients are noisy",
    """
The same seen from close by: how far do attributions move, relative to their size, when each input moves by at most
0.02, where inputs have the standard deviation 1? `dx.metrics.max_sensitivity` searches the largest movement among 20
draws. The networks have 16 hidden layers.
""",
    (
        Example(
            "4a",
            "gradients vary strongly within a small neighbourhood",
            "how far gradients move, relative to their size",
            gradients_move,
            "A change of 2 % of the inputs' standard deviation moves the gradient by that part of its length.",
            least=0.2,
            random=True,
        ),
        Example(
            "4b",
            "SmoothGrad varies less",
            "how far gradients with SmoothGrad move, as a share of those without",
            smoothed_move_less,
            "All points share the draws, so that what moves is the gradient and not the sample.",
            most=0.8,
            random=True,
        ),
        Example(
            "4c",
            "Integrated Gradients vary less",
            "how far Integrated Gradients move, as a share of gradient × input",
            integrals_move_less,
            "The path moves less than its end.",
            most=0.8,
            random=True,
        ),
    ),
    "Measure it for your model with `dx.metrics.max_sensitivity`; where attributions move, take `integrated_gradients` "
    'or `noise=dx.noise("smoothgrad")`, and look at `standard_error`.',
    (movement,),
)
