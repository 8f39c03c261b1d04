"""DeepLIFT."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require, require_bool
from deepexplain_tf.methods.base import METHODS, Method, Result, TensorData
from deepexplain_tf.methods.hypothetical import (
    hypothetical_contributions,
    of_present_letters,
    require_one_hot,
)
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import DEEPLIFT_RULES, Composite


@METHODS.register("deeplift")
@dataclasses.dataclass(frozen=True)
class DeepLIFT(Method):
    """(x − x₀) · m, with multipliers m such that Σ m·Δin = Δout at every op (Δ: value at x minus value at x₀).

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), for every program whose
    ops all have a rule; an op without a rule is refused by name. With `background` (DeepSHAP), the attributions are the
    mean over its baselines and add up to F(x) − mean F(x₀).

    Attributes:
      rule: the rule of activations y = f(z). `"rescale"`: m = Δy / Δz. `"reveal_cancel"`: where linear ops that mix
        values stand directly in front, the positive and the negative part of Δz = Σ wᵢ·Δxᵢ have multipliers of their
        own; else Rescale. `"genomics"`: RevealCancel behind dense layers, Rescale behind convolutions and elsewhere.
        Each layer splits its wᵢ·Δxᵢ by their signs, as the paper's Linear rule does.
      hypothetical: whether to return hypothetical contributions of one-hot inputs `[batch, ..., letters]`: for each
        letter l the sum over l' of m_l' · (1[l' = l] − x₀_l'). Where a row has a letter, Σ x · hypothetical over its
        letters is Σ (x − x₀) · m. A row of zeros (padding, or N) is allowed; what it contributes belongs to no letter.
        `completeness_gap` is Σ x · hypothetical − (F(x) − F(x₀)). Inside a `tf.function`, inputs are not checked.
      background: a set of baselines for all examples `[n_baselines, ...]`, or one for each
        `[batch, n_baselines, ...]`, in the structure of the explained tensors; excludes `baseline`.

    Raises:
      InputError: inputs that are not one-hot, where `hypothetical` is set.

    References:
      Shrikumar, Greenside, Kundaje, ICML 2017, https://arxiv.org/abs/1704.02685 (Rescale, 3.5.2; RevealCancel, 3.5.3;
      the choice for genomics, 4.2). Ancona et al., ICLR 2018, https://arxiv.org/abs/1711.06104, Proposition 2.
      Hypothetical contributions: Shrikumar et al., *TF-MoDISco*, 2018, https://arxiv.org/abs/1811.00416. Lundberg, Lee,
      *A Unified Approach to Interpreting Model Predictions*, NeurIPS 2017, https://arxiv.org/abs/1705.07874 (DeepSHAP).
    """

    uses_baseline: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    graph_options: ClassVar[tuple[str, ...]] = ("rule", "hypothetical")
    remedy: ClassVar[str] = "a baseline with the same masks and conditions as its example may help"
    rule: str = "rescale"
    hypothetical: bool = False
    background: Any = None

    def __post_init__(self) -> None:
        known = isinstance(self.rule, str) and self.rule in DEEPLIFT_RULES
        require(known, "rule", " or ".join(map(repr, DEEPLIFT_RULES)), self.rule)
        require_bool("hypothetical", self.hypothetical)

    @property
    def override_map(self) -> Composite:
        return DEEPLIFT_RULES[self.rule]

    @property
    def per_unit(self) -> bool:
        return self.hypothetical  # what is not there adds up to nothing

    @property
    def excludes_noise(self) -> str | None:
        return "hypothetical" if self.hypothetical else None  # noise makes no letters

    def check(
        self, explained: Callable[[], Sequence[np.ndarray]], baseline: Sequence[np.ndarray], *, given: bool
    ) -> None:
        if self.hypothetical:
            require_one_hot(explained())

    def evaluations_in(self, layout: Layout) -> int | None:
        return layout.n_baselines or None

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        def attributed(
            scope: Scope, explained: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor]
        ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
            target, target0, multipliers = scope.multipliers(explained, baseline, composite)
            parts = zip(explained, baseline, multipliers, strict=True)
            if self.hypothetical:
                return target, target0, [hypothetical_contributions(m, x0) for _, x0, m in parts]
            return target, target0, [(x - x0) * m for x, x0, m in parts]

        if self.background is None:
            target, target0, attributions = attributed(scope, scope.explained, baseline)
        else:
            background = Background(scope, baseline, data.get("n_baselines"))
            target, target0, attributions = background.mean_of_pairs(attributed, data["count"], chunks)
        result: Result = {"attributions": attributions, "outputs": target, "baseline_outputs": target0}
        if self.hypothetical:
            result["total"] = of_present_letters(scope.explained, attributions)
        return result
