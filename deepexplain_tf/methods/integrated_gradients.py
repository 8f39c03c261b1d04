"""Integrated Gradients."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.methods.along_path import AlongPath
from deepexplain_tf.methods.base import METHODS, Result, TensorData
from deepexplain_tf.methods.path_integral import PathIntegral
from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.paths.lines import Lines
from deepexplain_tf.paths.polylines import Polyline
from deepexplain_tf.rules.composites import Composite


@METHODS.register("integrated_gradients", aliases=("intgrad", "ig"))
@dataclasses.dataclass(frozen=True)
class IntegratedGradients(AlongPath, PathIntegral):
    """(x − x₀) · ∫₀¹ ∂F/∂x (x₀ + α(x − x₀)) dα, by a quadrature of gradients; with `path`, along another path.

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), up to the error of the quadrature,
    which `completeness_gap` shows. With `background`, the attributions are the mean over its baselines and add up to
    F(x) − mean F(x₀).

    With a `path` γ, they are ∫₀¹ dγ/dα · ∂F/∂x (γ(α)) dα, and add up to F(x) − F(γ(0)); see `AlongPath`. Through
    points, each segment has a quadrature of its own, and `n_steps` is rounded up to as many steps for each of them.

    Attributes:
      background: a set of baselines for all examples `[n_baselines, ...]`, or one for each
        `[batch, n_baselines, ...]`, in the structure of the explained tensors; excludes `baseline`, a `path` and a
        tolerance.
      path: see `AlongPath`.
      n_steps, quadrature, tolerance, gap_tolerance, max_steps: see `PathIntegral`.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017,
      https://arxiv.org/abs/1703.01365.
    """

    remedy: ClassVar[str] = "more n_steps, a tolerance (tolerance=0.05), or a baseline nearer to the inputs help"
    background: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adaptive:
            require(self.background is None, "background", "left out where a tolerance is given", self.background)
            require(not self.through_points, "path", "a function where a tolerance is given", self.path)
        self.require_path()
        if self.path is not None:
            require(self.background is None, "background", "left out where a path is given", self.background)

    @property
    def straight(self) -> bool:
        return self.path is None

    @property
    def segments(self) -> int:
        return self.path.segments if isinstance(self.path, Polyline) else 1

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        if self.path is not None:
            return super().attribute(scope, baseline, data, composite, chunks)
        evaluations = Evaluations(data["steps"], data["count"], chunks)

        def along(lines: Lines, baselines: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            means = lines.mean_gradients(data["nodes"], data["weights"], evaluations)
            return [(x - x0) * g for x, x0, g in zip(scope.explained, baselines, means, strict=True)]

        if self.background is None:
            baselines = scope.expand_baseline(baseline, shared=True)
            lines = Lines(scope, composite, baselines)
            attributions = along(lines, baselines)
            outputs, baseline_outputs = lines.values_at_ends(attributions, data["count"], chunks)
        else:
            background = Background(scope, baseline, data.get("n_baselines"))
            from_one = lambda baselines: along(Lines(scope, composite, baselines), baselines)  # noqa: E731
            attributions = background.mean(from_one, scope.explained)
            outputs, baseline_outputs = background.values(attributions, data["count"], chunks)
        return {"attributions": attributions, "outputs": outputs, "baseline_outputs": baseline_outputs}
