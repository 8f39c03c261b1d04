"""What methods share that integrate gradients along a curve: quadrature in a number of steps, or to a tolerance."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from deepexplain_tf.arguments.options import is_real, require, require_between
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import Data, Evaluate, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.path_samples import CurveMethod, PathSamples
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.quadrature import MAX_STEPS, QUADRATURES, as_data, in_parts, require_quadrature
from deepexplain_tf.paths.refinement import integrate
from deepexplain_tf.rules.composites import Composite

_DEFAULT_STEPS, _DEFAULT_MAX_STEPS = 64, 4096
_FIRST_STEPS = 9  # gradients of the first round of refinement


@dataclasses.dataclass(frozen=True)
class PathIntegral(CurveMethod):
    """∫₀¹ γ′(α)·∂F/∂x (γ(α)) dα along a curve γ that ends at x, by a quadrature of gradients.

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(γ(0)), up to the error of the quadrature,
    which `completeness_gap` shows.

    With a tolerance, each example gets more nodes where its curve needs them (see `paths.refinement`), until both the
    bound on the relative L2 error of its attributions that is estimated and its gap, relative to |F(x) − F(γ(0))|, are
    below the tolerance; a gap below 1e-6·max(|F|, ‖attributions‖) counts as rounding. `estimated_error` and the number
    of gradients `n_steps` are reported for each example, also for one that `max_steps` ends before. A regression closes
    the remaining gap, so that only `estimated_error`, not `completeness_gap`, judges the attributions.

    Attributes:
      n_steps: gradients per example (and baseline), 1 … 100,000; default 64.
      quadrature: the rule for nodes and weights, `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or
        `"right"`; unused with a tolerance.
      tolerance: the largest relative error of an example's attributions, in (0, 1); excludes `n_steps`.
      gap_tolerance: the same for the gap; default `tolerance`. Without `tolerance`, refinement ends by the gap alone,
        whatever the error of the attributions.
      max_steps: the largest number of gradients per example with a tolerance, 9 … 100,000; default 4096.
    """

    repeats: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    stepwise_options: ClassVar[tuple[str, ...]] = ("tolerance", "gap_tolerance")
    n_steps: int | None = None
    quadrature: str = "gauss_legendre"
    tolerance: float | None = None
    gap_tolerance: float | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        require_quadrature(self.quadrature)
        for option, least in (("n_steps", 1), ("max_steps", _FIRST_STEPS)):
            if getattr(self, option) is not None:
                require_between(option, least, MAX_STEPS, getattr(self, option))
        for option in ("tolerance", "gap_tolerance"):
            value = getattr(self, option)
            require(value is None or (is_real(value) and 0 < value < 1), option, "a number between 0 and 1", value)
        if self.adaptive:
            require(self.n_steps is None, "n_steps", "left out where a tolerance is given", self.n_steps)
        else:
            require(self.max_steps is None, "max_steps", "given together with a tolerance", self.max_steps)

    @property
    def adaptive(self) -> bool:
        """Whether a tolerance is given."""
        return self.stepwise is not None

    @property
    def segments(self) -> int:
        """The number of equal parts of the curve that have a quadrature of their own."""
        return 1

    @property
    def evaluations(self) -> int:
        return -(-(self.n_steps or _DEFAULT_STEPS) // self.segments) * self.segments

    def data(self, layout: Layout) -> Data:
        rule = in_parts(QUADRATURES[self.quadrature](self.evaluations // self.segments), self.segments)
        return {**self.curve_data(layout), **as_data(rule, MAX_STEPS, padded=layout.fixed_sizes)}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        if not self.adaptive:
            return {**evaluate(self), "n_steps": self.evaluations}
        if count is None:
            raise OptionError(
                "a tolerance must give arrays, outside of tf.function, and is not exported: it needs results between "
                "steps. Got a call inside a graph or for tensors; give n_steps instead."
            )
        integral = integrate(
            PathSamples(self).sampler(evaluate),
            count,
            tolerance=self.tolerance,
            gap_tolerance=self.gap_tolerance,
            max_steps=self.max_steps or _DEFAULT_MAX_STEPS,
        )
        return dict(vars(integral))

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        curves = self.curves(scope, baseline, data, composite)
        evaluations = Evaluations(data["steps"], data["count"], chunks)
        attributions = curves.integrals(data["nodes"], data["weights"], evaluations)
        outputs, baseline_outputs = curves.values_at_ends(attributions, data["count"], chunks)
        return {"attributions": attributions, "outputs": outputs, "baseline_outputs": baseline_outputs}
