"""Grad-CAM++: Grad-CAM with a weight for each position of the gradient."""

import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.activation_maps import GradientMap, positions
from deepexplain_tf.methods.base import METHODS


@METHODS.register("grad_cam_plus_plus", aliases=("grad_cam++",))
@dataclasses.dataclass(frozen=True)
class GradCAMPlusPlus(GradientMap):
    """ReLU(Σ_c w_c·A_c), where w_c = Σ α·ReLU(G_c) over all positions, and α = G_c² / (2·G_c² + G_c³·Σ A_c).

    A are the activations `[batch, positions..., channels]` of the layer `at`, G = ∂F/∂A; Σ A_c runs over all positions.
    α is the paper's for the score exp(F), whose higher derivatives are those of a network that is linear behind ReLUs;
    where its denominator is 0, so is α. The factor exp(F) of the gradient of that score, one number for each example,
    is left out. In units of the target, and ≥ 0 where A is; not complete. It hardly depends on what the last layer has
    learned: where that is randomised, its ranks correlate by 0.93 with those before (`examples/sanity.py`). For the
    options see `activation_maps.ClassActivationMap`.

    References:
      Chattopadhay et al., *Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep Convolutional Networks*,
      WACV 2018, https://arxiv.org/abs/1710.11063.
    """

    @property
    def insensitive(self) -> bool:
        return True

    def weighed(self, activations: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        square, summed = gradient**2, tf.reduce_sum(activations, positions(activations), keepdims=True)
        alpha = tf.math.divide_no_nan(square, 2 * square + square * gradient * summed)
        weights = tf.reduce_sum(alpha * tf.nn.relu(gradient), positions(gradient), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * activations, -1))
