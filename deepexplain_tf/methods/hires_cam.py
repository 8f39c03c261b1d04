"""HiResCAM: gradient times activation at each position of a layer."""

import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.activation_maps import GradientMap
from deepexplain_tf.methods.base import METHODS


@METHODS.register("hires_cam")
@dataclasses.dataclass(frozen=True)
class HiResCAM(GradientMap):
    """ReLU(Σ_c ∂F/∂A_c·A_c) at each position.

    A are the activations `[batch, positions..., channels]` of the layer `at`. In units of the target, and ≥ 0. Without
    the ReLU, which the authors' own code applies to the map, the values of a network that is affine behind the layer
    add up to the target but for its bias; with it they are not complete. For the options see
    `activation_maps.ClassActivationMap`.

    References:
      Draelos, Carin, *Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural networks*,
      2020, https://arxiv.org/abs/2011.08891.
    """

    def weighed(self, activations: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.reduce_sum(gradient * activations, -1))
