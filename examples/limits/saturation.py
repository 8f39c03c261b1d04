"""Saturation."""

import numpy as np
import tensorflow as tf

from limits.explained import attributions
from limits.topic import Example, Topic


def saturated(x: tf.Tensor) -> tf.Tensor:
    """Returns min(x₁ + x₂, 1), by a ReLU, `[batch, 2]` → `[batch]`."""
    return 1 - tf.nn.relu(1 - x[:, 0] - x[:, 1])


def gradients_where_saturated() -> float:
    """Returns the largest |attribution| of gradients, and of gradient × input, at (1, 1)."""
    return float(max(np.abs(attributions(saturated, [1, 1], name)).max() for name in ("saliency", "gradient_x_input")))


def paths_where_saturated() -> float:
    """Returns the least attribution of Integrated Gradients and DeepLIFT at (1, 1)."""
    return float(min(attributions(saturated, [1, 1], name).min() for name in ("integrated_gradients", "deeplift")))


def occlusion_where_saturated() -> float:
    """Returns the largest fall of the output when one of the inputs becomes 0."""
    return float(np.abs(attributions(saturated, [1, 1], "occlusion")).max())


TOPIC = Topic(
    "2. Saturation hides from gradients",
    """
Where a function is flat, its gradient is zero. It can have got there by what it has seen: y = min(x₁ + x₂, 1) is 1 at
(1, 1), and 0 at the baseline (0, 0).
""",
    (
        Example(
            "2a",
            "where a network is saturated, gradients and gradient × input show nothing",
            "the largest |attribution| at (1, 1)",
            gradients_where_saturated,
            "Nothing explains an output of 1.",
            most=0,
        ),
        Example(
            "2b",
            "Integrated Gradients and DeepLIFT show what led there",
            "the least attribution of an input at (1, 1)",
            paths_where_saturated,
            "Half of the output for each input: both compare with the baseline, where the function still rises.",
            least=0.5 - 1e-9,
        ),
        Example(
            "2c",
            "occluding one input after the other shows nothing either, if one is enough",
            "the largest fall of the output at (1, 1) without one input",
            occlusion_where_saturated,
            "The other input alone still fills the function.",
            most=0,
        ),
    ),
    "Take a method that compares with a baseline (`deeplift`, `integrated_gradients`, `shapley_sampling`), and explain "
    "logits rather than probabilities, as the library does by itself; occlude `groups=` of inputs together.",
    (saturated,),
)
