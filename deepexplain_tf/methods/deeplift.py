"""DeepLIFT with the Rescale rule."""

from collections.abc import Sequence
import dataclasses
from typing import ClassVar

import tensorflow as tf

from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import DEEPLIFT, Composite


@METHODS.register("deeplift")
@dataclasses.dataclass(frozen=True)
class DeepLIFT(Method):
    """(x − x₀) · m, with multipliers m such that Σ m·Δin = Δout at every op (Δ: value at x minus value at x₀).

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), for every program whose
    ops all have a rule; an op without a rule is refused by name.

    References:
      Shrikumar, Greenside, Kundaje, ICML 2017, https://arxiv.org/abs/1704.02685 (Rescale). Ancona et al.,
      ICLR 2018, https://arxiv.org/abs/1711.06104, Proposition 2.
    """

    uses_baseline: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    remedy: ClassVar[str] = "a baseline with the same masks and conditions as its example may help"

    @property
    def override_map(self) -> Composite:
        return DEEPLIFT

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        target, target0, multipliers = scope.multipliers(scope.explained, baseline, composite)
        differences = [x - x0 for x, x0 in zip(scope.explained, scope.expand_baseline(baseline), strict=True)]
        return {
            "attributions": [d * m for d, m in zip(differences, multipliers, strict=True)],
            "outputs": target,
            "baseline_outputs": target0,
        }
