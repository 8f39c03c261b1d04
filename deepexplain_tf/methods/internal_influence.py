"""Internal influence of the units of a layer."""

import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.base import METHODS
from deepexplain_tf.methods.layer_paths import LayerPathMethod
from deepexplain_tf.objective.evaluations import Tensors
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite


@METHODS.register("internal_influence")
@dataclasses.dataclass(frozen=True)
class InternalInfluence(LayerPathMethod):
    """∫₀¹ ∂F/∂y dα for each unit y of a layer, along x₀ + α(x − x₀), the line of the model's inputs.

    The mean influence of a unit: the change of the target per unit of y; not complete. `DeepExplain(layer=)` names the
    layer, or several that do not depend on each other. For the options see `SteppedMethod`.

    Raises:
      InputError: inputs that are not floats, which have no path.

    References:
      Leino, Sen, Datta, Fredrikson, Li, *Influence-Directed Explanations for Deep Convolutional Networks*, ITC 2018,
      https://arxiv.org/abs/1802.03788.
    """

    @property
    def per_unit(self) -> bool:
        return True

    def terms(self, scope: Scope, directions: Tensors, composite: Composite) -> list[tf.Tensor]:
        _, gradients = scope.gradient(scope.explained, composite)
        return gradients
