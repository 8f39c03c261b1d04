"""Conductance of the units of a layer."""

import dataclasses
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.layer_paths import LayerPathMethod
from deepexplain_tf.objective.directions import explained_along
from deepexplain_tf.objective.evaluations import Tensors
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("layer_conductance")
@dataclasses.dataclass(frozen=True)
class LayerConductance(LayerPathMethod):
    """∫₀¹ ∂F/∂y · dy/dα dα for each unit y of a layer, along x₀ + α(x − x₀), the line of the model's inputs.

    In units of the target: the part of F(x) − F(x₀) that flows through each unit. `DeepExplain(layer=)` names the
    layer, or several that do not depend on each other. Guarantees completeness, Σ attributions = F(x) − F(x₀), up to
    the error of the quadrature, where everything passes the layer; else `completeness_gap` is what bypasses it, with
    the opposite sign. Without a layer it is `integrated_gradients`. For the options see `SteppedMethod`.

    Raises:
      InputError: inputs that are not floats, which have no path.
      UnsupportedOpError: an op before the layer whose gradient has no gradient; dy/dα needs it.

    References:
      Dhamdhere, Sundararajan, Yan, *How Important Is a Neuron?*, ICLR 2019, https://arxiv.org/abs/1805.12233.
      Shrikumar, Su, Kundaje, *Computationally Efficient Measures of Internal Neuron Importance*, 2018,
      https://arxiv.org/abs/1807.09946 (the form above, as one derivative along the path).
    """

    complete: ClassVar[bool] = True
    remedy: ClassVar[str] = "what bypasses the layer is missing, or more n_steps help"

    def terms(self, scope: Scope, directions: Tensors, composite: Composite) -> list[tf.Tensor]:
        explained, changes = explained_along(scope, directions)
        _, gradients = scope.gradient(explained, composite)
        return [gradient * change for gradient, change in zip(gradients, changes, strict=True)]
