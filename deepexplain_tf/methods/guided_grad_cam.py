"""Guided Grad-CAM: guided backpropagation times Grad-CAM."""

from collections.abc import Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.methods.activation_maps import ActivationMaps
from deepexplain_tf.methods.base import METHODS, Result, TensorData
from deepexplain_tf.methods.grad_cam import GradCAM
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import GUIDED, Composite


@METHODS.register("guided_grad_cam")
@dataclasses.dataclass(frozen=True)
class GuidedGradCAM(ActivationMaps):
    """The modified gradient of `guided_backprop` times the map of `grad_cam`, upsampled, for each channel.

    Not in units of the target, and not complete. The map takes the ordinary gradient. Its details are those of
    `guided_backprop`, which hardly depend on what the last layers have learned (`examples/sanity.py`). An
    explained tensor without the positions of the layer `at` gets zeros; for that option see
    `activation_maps.ActivationMaps`.

    References:
      Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV 2017,
      https://arxiv.org/abs/1610.02391.
    """

    @property
    def per_unit(self) -> bool:
        return True

    @property
    def override_map(self) -> Composite:
        return GUIDED

    def part(self, objective: Objective) -> Objective:
        super().part(objective)
        return objective

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        result = GradCAM(self.at).attribute(scope, baseline, data, Composite(overrides=composite.overrides), chunks)
        _, gradients = scope.gradient(scope.explained, composite)
        pairs = zip(gradients, result["attributions"], strict=True)
        return {"attributions": [gradient * found for gradient, found in pairs], "outputs": result["outputs"]}
