"""LayerCAM: activations of a layer, weighted by the positive part of the gradient at each position."""

import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.activation_maps import GradientMap
from deepexplain_tf.methods.base import METHODS


@METHODS.register("layer_cam")
@dataclasses.dataclass(frozen=True)
class LayerCAM(GradientMap):
    """ReLU(Σ_c ReLU(∂F/∂A_c)·A_c) at each position.

    A are the activations `[batch, positions..., channels]` of the layer `at`. In units of the target, and ≥ 0; not
    complete. It also suits early layers, whose maps are finer. It hardly depends on what the last layer has learned:
    where that is randomised, its ranks correlate by 0.90 with those before (`examples/sanity.py`). For the options see
    `activation_maps.ClassActivationMap`.

    References:
      Jiang et al., *LayerCAM: Exploring Hierarchical Class Activation Maps for Localization*, IEEE Transactions on
      Image Processing 30, 2021, https://doi.org/10.1109/TIP.2021.3089943.
    """

    @property
    def insensitive(self) -> bool:
        return True

    def weighed(self, activations: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradient) * activations, -1))
