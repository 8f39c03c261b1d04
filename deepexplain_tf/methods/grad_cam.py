"""Grad-CAM: activations of a layer, weighted by the mean gradient of each channel."""

import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.activation_maps import GradientMap, positions
from deepexplain_tf.methods.base import METHODS


@METHODS.register("grad_cam")
@dataclasses.dataclass(frozen=True)
class GradCAM(GradientMap):
    """ReLU(Σ_c w_c·A_c), where w_c is the mean of ∂F/∂A_c over all positions.

    A are the activations `[batch, positions..., channels]` of the layer `at`. In units of the target, and ≥ 0; not
    complete. The mean over positions moves relevance to positions that the target does not use (Draelos, Carin 2020);
    `hires_cam` does without it. For the options see `activation_maps.ClassActivationMap`.

    References:
      Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV 2017,
      https://arxiv.org/abs/1610.02391.
    """

    def weighed(self, activations: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        weights = tf.reduce_mean(gradient, positions(gradient), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * activations, -1))
