"""Implementation invariance: one function, written in two ways."""

from collections.abc import Sequence

import numpy as np

from axioms.functions import BY_SIGMOID, FLAT, NESTED, TANH, Function
from limits.explained import attributions
from limits.topic import Example, Topic

AT_NESTED = (3.0, 1.0, 0.0, 0.0)
AT_TANH = (0.5, 0.25, 1.0, 0.0)


def apart(one: Function, other: Function, x: Sequence[float], method: str) -> float:
    """Returns the largest difference between the attributions of two functions at a point."""
    return float(np.abs(attributions(one.call, x, method) - attributions(other.call, x, method)).max())


def deeplift_apart() -> float:
    """Returns how far DeepLIFT is apart on ReLU(ReLU(x₁ − 1) − ReLU(x₂)) and ReLU(x₁ − 1 − ReLU(x₂)) at (3, 1)."""
    return apart(NESTED, FLAT, AT_NESTED, "deeplift")


def epsilon_lrp_apart() -> float:
    """Returns how far ε-LRP is apart on tanh(x₁ + 2x₂) + x₃ and 2σ(2x₁ + 4x₂) − 1 + x₃ at (½, ¼, 1)."""
    return apart(TANH, BY_SIGMOID, AT_TANH, "epsilon_lrp")


def gradients_apart() -> float:
    """Returns the same of gradients and Integrated Gradients, the larger of both pairs and both methods."""
    pairs = ((NESTED, FLAT, AT_NESTED), (TANH, BY_SIGMOID, AT_TANH))
    return max(apart(f, g, x, method) for f, g, x in pairs for method in ("saliency", "integrated_gradients"))


TOPIC = Topic(
    "5. ε-LRP and DeepLIFT depend on how the function is written",
    """
Both replace derivatives of operations one by one, and the chain rule does not hold for what they put in their place. So
two networks that compute the same function can have other attributions. The pairs are those of [the
axioms](axioms.md), in `examples/axioms/functions.py`.
""",
    (
        Example(
            "5a",
            "DeepLIFT differs between two networks with the same function",
            "the largest difference between two attributions of an input, at (3, 1), where the output is 1",
            deeplift_apart,
            "(2, −1) by the one, (1.5, −0.5) by the other: both add up to 1.",
            least=0.1,
        ),
        Example(
            "5b",
            "ε-LRP differs between two networks with the same function",
            "the largest difference between two attributions of an input, where the output is 1.76",
            epsilon_lrp_apart,
            "σ is not 0 at 0, so that σ(z) / z is not what tanh(z) / z is.",
            least=0.1,
        ),
        Example(
            "5c",
            "gradients and Integrated Gradients do not",
            "the largest difference of both methods and both pairs",
            gradients_apart,
            "They look at the function alone.",
            most=1e-12,
        ),
    ),
    "Where two models are compared, take `integrated_gradients`; with `deeplift` and LRP, compare models of one "
    "architecture only.",
    (apart,),
    ("AT_NESTED", "AT_TANH"),
)
