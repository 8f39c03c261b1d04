"""Integrated Gradients."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.methods.base import METHODS, Data, Evaluate, Layout, Method, Result, TensorData, is_int, is_real, require
from deepexplain_tf.objective import Scope
from deepexplain_tf.paths import QUADRATURES, mean_gradients
from deepexplain_tf.rules.composites import Composite

_MAX_STEPS = 100_000


@METHODS.register("integrated_gradients", aliases=("intgrad", "ig"))
@dataclasses.dataclass(frozen=True)
class IntegratedGradients(Method):
    """(x − x₀) · ∫₀¹ ∂F/∂x (x₀ + α(x − x₀)) dα, by a quadrature of `n_steps` gradients.

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), up to the error of the
    quadrature, which `completeness_gap` shows.

    Attributes:
      n_steps: gradients per example, 1 … 100,000.
      quadrature: `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or `"right"`.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017,
      https://arxiv.org/abs/1703.01365.
    """

    uses_baseline: ClassVar[bool] = True
    loops: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    n_steps: int = 64
    quadrature: str = "gauss_legendre"

    def __post_init__(self) -> None:
        in_range = is_int(self.n_steps) and 1 <= self.n_steps <= _MAX_STEPS
        require(in_range, "n_steps", f"a whole number in 1 … {_MAX_STEPS}", self.n_steps)
        known = ", ".join(map(repr, QUADRATURES))
        require(self.quadrature in QUADRATURES, "quadrature", f"one of {known}", self.quadrature)

    def data(self, layout: Layout) -> Data:
        nodes, weights = QUADRATURES[self.quadrature](self.n_steps)
        return {"nodes": nodes, "weights": weights}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        return {**evaluate(self), "n_steps": self.n_steps}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        start = scope.spread(baseline)
        means = mean_gradients(scope, start, data["nodes"], data["weights"], composite, chunks)
        return {
            "attributions": [(x - b) * g for x, b, g in zip(scope.explained, start, means, strict=True)],
            "outputs": scope.value(scope.explained),
            "baseline_outputs": scope.value(start),
        }
