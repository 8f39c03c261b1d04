"""What the methods do well."""

import time
from typing import Any

import numpy as np
import tensorflow as tf

import deepexplain_tf as dx
from limits.explained import Call, attributions, random_network
from limits.topic import Example, Topic

METHODS = ("gradient_x_input", "epsilon_lrp", "integrated_gradients", "deeplift", "occlusion", "shapley_sampling")


def linear_apart() -> float:
    """Returns the largest difference between six methods on a linear model, and from w · x."""
    w, x = np.random.default_rng(0).normal(size=(2, 6))
    linear = lambda x: tf.linalg.matvec(x, tf.constant(w)) + 0.5  # noqa: E731
    return max(float(np.abs(attributions(linear, x, method) - w * x).max()) for method in METHODS)


def deeplift_gap(seed: int) -> float:
    """Returns how far the sum of DeepLIFT is from the change of a random network's output, relatively."""
    return relative_gap(random_network(seed, 4), "deeplift")


def integrated_gap(seed: int) -> float:
    """Returns the same of Integrated Gradients on a network of tanh, by a Gauss-Legendre rule of 64 points."""
    return relative_gap(
        random_network(seed, 4, tf.tanh), "integrated_gradients", n_steps=64, quadrature="gauss_legendre"
    )


def integrated_gap_of_relus(seed: int) -> float:
    """Returns the same on a network of ReLUs, whose gradient jumps, by a rule of 4096 points."""
    return relative_gap(random_network(seed, 4), "integrated_gradients", n_steps=4096, quadrature="gauss_legendre")


def occlusions_for_gradients() -> float:
    """Returns how many times as long occlusion takes as gradient × input, for 64 examples of 784 inputs."""
    x = np.random.default_rng(0).normal(size=(64, 784))
    with dx.DeepExplain(random_network(0, 4, inputs=784)) as de:
        return seconds(de, "occlusion", x) / seconds(de, "gradient_x_input", x)


def seconds(de: dx.DeepExplain, method: str, x: np.ndarray) -> float:
    """Returns what an explanation takes, the least of five, after one that compiles."""
    taken = []
    for _ in range(6):
        start = time.perf_counter()
        de.explain(method, x)
        taken.append(time.perf_counter() - start)
    return min(taken[1:])


def relative_gap(network: Call, method: str, **options: Any) -> float:
    """Returns |Σ attributions − ΔF| / |ΔF| at a random point, from zeros."""
    x = np.random.default_rng(1).normal(size=(1, 16))
    with dx.DeepExplain(network) as de:
        e = de.explain(method, x, **options)
    return float(abs(e.completeness_gap[0] / (e.outputs[0] - e.baseline_outputs[0])))


TOPIC = Topic(
    "7. Strengths",
    """
Methods agree where there is only one answer, some add up exactly, and most cost a few gradients.
""",
    (
        Example(
            "7a",
            "on a linear model all methods agree",
            "the largest difference of an attribution from wᵢ · xᵢ, by gradient × input, ε-LRP, Integrated Gradients, "
            "DeepLIFT, occlusion and Shapley values",
            linear_apart,
            "The only reasonable answer, and all six give it.",
            most=1e-9,
        ),
        Example(
            "7b",
            "DeepLIFT adds up exactly",
            "the distance of its sum from F(x) − F(x₀), relatively, on four layers of ReLUs",
            deeplift_gap,
            "But for rounding.",
            most=1e-9,
            random=True,
        ),
        Example(
            "7c",
            "Integrated Gradients add up, on a smooth network to rounding",
            "the same, on four layers of tanh, by a Gauss-Legendre rule of 64 points",
            integrated_gap,
            "64 gradients are enough where the function is smooth.",
            most=1e-9,
            random=True,
        ),
        Example(
            "7d",
            "and on ReLUs up to the error of the quadrature",
            "the same, on four layers of ReLUs, by a Gauss-Legendre rule of 4096 points",
            integrated_gap_of_relus,
            "The gradient jumps along the path, so that the error falls like 1/points only.",
            most=1e-3,
            random=True,
        ),
        Example(
            "7e",
            "gradients cost one pass back, occlusion an evaluation for each input",
            "the time of occlusion, as a multiple of that of gradient × input, with 784 inputs",
            occlusions_for_gradients,
            "It grows with the number of inputs; that of gradients hardly does.",
            least=10,
        ),
    ),
    "Begin with `deeplift`, which adds up for the price of one gradient; read `completeness_gap` of Integrated "
    "Gradients, or ask for `gap_tolerance=`; keep occlusion and Shapley values for few inputs, or `groups=` of them.",
    (relative_gap, seconds),
    ("METHODS",),
)
