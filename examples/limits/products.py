"""Products of inputs."""

import numpy as np
import tensorflow as tf

from limits.explained import attributions
from limits.topic import Example, Topic

COMPLETE = ("integrated_gradients", "deeplift", "shapley_sampling")


def product(x: tf.Tensor) -> tf.Tensor:
    """Returns x₁ · x₂, the AND of two bits, `[batch, 2]` → `[batch]`."""
    return x[:, 0] * x[:, 1]


def half_sum(x: tf.Tensor) -> tf.Tensor:
    """Returns (x₁ + x₂) / 2, which needs no interaction."""
    return (x[:, 0] + x[:, 1]) / 2


def gate(x: tf.Tensor) -> tf.Tensor:
    """Returns σ(x₁) · tanh(x₂): a gate of an LSTM, and what it lets through."""
    return tf.sigmoid(x[:, 0]) * tf.tanh(x[:, 1])


def local_sum_of_product() -> float:
    """Returns the sums of gradient × input, ε-LRP and occlusion at (2, 3), as a multiple of the output 6: the least."""
    methods = ("gradient_x_input", "epsilon_lrp", "occlusion")
    return float(min(attributions(product, [2, 3], name).sum() for name in methods) / 6)


def unequal_shares_of_product() -> float:
    """Returns how far Integrated Gradients, DeepLIFT and Shapley values are from halves of the output, (3, 3)."""
    return float(max(np.abs(attributions(product, [2, 3], name) - 3).max() for name in COMPLETE))


def local_gap_of_gate() -> float:
    """Returns by how much gradient × input and ε-LRP miss the output of the gate at (3, 1), relatively: the less."""
    output = float(gate(np.array([[3.0, 1.0]]))[0])
    sums = [attributions(gate, [3, 1], name).sum() for name in ("gradient_x_input", "epsilon_lrp")]
    return min(abs(float(total) / output - 1) for total in sums)


def gap_of_gate() -> float:
    """Returns the same of Integrated Gradients, DeepLIFT and Shapley values: the most."""
    output = float(gate(np.array([[3.0, 1.0]]))[0])
    return max(abs(float(attributions(gate, [3, 1], name).sum()) / output - 1) for name in COMPLETE)


def shares_of_gate() -> float:
    """Returns how far DeepLIFT's share of the gate is from that of Integrated Gradients, of the output."""
    output = float(gate(np.array([[3.0, 1.0]]))[0])
    deeplift, integrated = (attributions(gate, [3, 1], name)[0] for name in ("deeplift", "integrated_gradients"))
    return float(abs(deeplift - integrated)) / output


def and_is_like_sum() -> float:
    """Returns the largest difference between attributions of x₁ · x₂ and of (x₁ + x₂) / 2 at (1, 1)."""
    found = [[attributions(function, [1, 1], name) for name in COMPLETE] for function in (product, half_sum)]
    return float(np.abs(np.array(found[0]) - found[1]).max())


def interactions_tell() -> float:
    """Returns the interaction of both inputs by Integrated Hessians, of x₁ · x₂ minus of (x₁ + x₂) / 2."""
    pairs = [attributions(function, [1, 1], "integrated_hessians") for function in (product, half_sum)]
    return float(pairs[0][0, 1] - pairs[1][0, 1])


TOPIC = Topic(
    "6. Products of inputs",
    """
In x₁ · x₂ neither input does anything alone: the output belongs to both. Attributions, one number for each input, must
split it, and say nothing of the interaction. Gates of LSTMs, attention and bilinear layers are such products. All
baselines are zeros.
""",
    (
        Example(
            "6a",
            "local methods count a product twice",
            "the sum of the attributions at (2, 3), as a multiple of the output: the least of three methods",
            local_sum_of_product,
            "Gradient × input, ε-LRP and occlusion give each input the whole output, 6.",
            least=2 - 1e-9,
        ),
        Example(
            "6b",
            "Integrated Gradients, DeepLIFT and Shapley values split it equally",
            "the largest distance of an attribution from half of the output",
            unequal_shares_of_product,
            "3 and 3, at (2, 3): equal shares, whatever the sizes of the inputs. DeepLIFT does so by this library's "
            "rule for products; its paper has none.",
            most=1e-9,
        ),
        Example(
            "6c",
            "gradient × input and ε-LRP do not add up on gates",
            "the distance of their sum from the output σ(3) · tanh(1), relatively: the less",
            local_gap_of_gate,
            "A gate that is saturated, and a tanh that nearly is, have small gradients.",
            least=0.05,
        ),
        Example(
            "6d",
            "Integrated Gradients, DeepLIFT and Shapley values add up on gates",
            "the same of these three: the most",
            gap_of_gate,
            "Integrated Gradients take 64 points of Gauss-Legendre here, as by default.",
            most=1e-9,
        ),
        Example(
            "6e",
            "DeepLIFT and Integrated Gradients part ways where inputs are multiplied",
            "the difference between their attributions of the gate's first input, as a share of the output",
            shares_of_gate,
            "Both add up, but they split differently. DeepLIFT's shares are the Shapley values here, since each factor "
            "depends on one input.",
            least=0.01,
        ),
        Example(
            "6f",
            "attributions cannot tell an AND from a sum",
            "the largest difference between the attributions of x₁ · x₂ and of (x₁ + x₂) / 2 at (1, 1)",
            and_is_like_sum,
            "Half for each input, in both, by all three methods.",
            most=1e-9,
        ),
        Example(
            "6g",
            "interactions of pairs can",
            "the interaction of x₁ with x₂ in the product, minus that in the sum",
            interactions_tell,
            "Integrated Hessians are a matrix: what stands beside its diagonal belongs to pairs.",
            least=0.1,
        ),
    ),
    "Where inputs are multiplied, take a method that adds up, read an attribution as a share in what several did "
    "together, and ask `integrated_hessians`, or occlude `groups=`, for what belongs to pairs.",
    (product, half_sum, gate),
    ("COMPLETE",),
)
