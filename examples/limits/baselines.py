"""A zero baseline, and black pixels."""

import numpy as np
import tensorflow as tf

from limits.explained import attributions
from limits.topic import Example, Topic

WHITE = np.ones((3, 3))
STROKE = np.array([[1, 0, 1], [1, 0, 1], [1, 0, 1]])  # a black stroke on white


def dark_stroke(x: tf.Tensor) -> tf.Tensor:
    """Looks for a dark middle column on a white picture, `[batch, 3, 3]` → `[batch]`."""
    ink = tf.reduce_sum(1 - x, 1)
    return tf.nn.relu(ink[:, 1] - ink[:, 0] - ink[:, 2])


def black_pixels_count() -> float:
    """Returns how much the output falls when one black pixel becomes white: the least of the three."""
    return float(attributions(dark_stroke, STROKE, "occlusion", baseline=WHITE)[:, 1].min())


def black_pixels_with_zeros() -> float:
    """Returns the largest |attribution| of a black pixel, by four methods that compare with zeros."""
    methods = ("gradient_x_input", "epsilon_lrp", "integrated_gradients", "deeplift")
    return float(max(np.abs(attributions(dark_stroke, STROKE, name)[:, 1]).max() for name in methods))


def white_pixels_with_zeros() -> float:
    """Returns the share of the output that Integrated Gradients give to white pixels."""
    found = attributions(dark_stroke, STROKE, "integrated_gradients")
    return float(found[:, [0, 2]].sum() / found.sum())


def black_pixels_with_white() -> float:
    """Returns the least attribution of a black pixel, by two methods that compare with a white picture."""
    methods = ("integrated_gradients", "deeplift")
    return float(min(attributions(dark_stroke, STROKE, name, baseline=WHITE)[:, 1].min() for name in methods))


TOPIC = Topic(
    "1. A zero baseline is blind for black",
    """
Methods that multiply by x, or by x − x₀ with x₀ = 0, give nothing to what is zero, whatever it means to the network. On
pictures from 0 (black) to 1 (white), that is each black pixel.
""",
    (
        Example(
            "1a",
            "black pixels can matter to a network",
            "the fall of the output when a black pixel becomes white, the least of three",
            black_pixels_count,
            "Each black pixel of the stroke is worth 1 of the output 3.",
            least=1 - 1e-9,
        ),
        Example(
            "1b",
            "with zeros as the baseline, black pixels get nothing",
            "the largest |attribution| of a black pixel, by gradient × input, ε-LRP, Integrated Gradients and DeepLIFT",
            black_pixels_with_zeros,
            "Nothing at all, by none of the four.",
            most=0,
        ),
        Example(
            "1c",
            "a method that adds up then gives all to the others",
            "the share of the output that Integrated Gradients give to white pixels",
            white_pixels_with_zeros,
            "The sum is right, and the whole of it stands on paper without ink: the answer to *why not black?*",
            least=1 - 1e-9,
        ),
        Example(
            "1d",
            "another baseline gives them their share",
            "the least attribution of a black pixel, by Integrated Gradients and DeepLIFT from white",
            black_pixels_with_white,
            "From white, each black pixel gets what it is worth.",
            least=1 - 1e-9,
        ),
    ),
    "Choose a `baseline=` in which what you ask about is missing, such as white paper, or a `background=` of examples; "
    "[docs/baselines.md](../docs/baselines.md) has one for each kind of data.",
    (dark_stroke,),
    ("WHITE", "STROKE"),
)
