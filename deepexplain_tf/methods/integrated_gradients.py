"""Integrated Gradients."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.chunks import Chunks
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import (
    METHODS,
    Data,
    Evaluate,
    Layout,
    Method,
    Result,
    TensorData,
    is_int,
    is_real,
    require,
)
from deepexplain_tf.objective import Scope
from deepexplain_tf.paths import QUADRATURES, end_values, mean_gradients
from deepexplain_tf.rules.composites import Composite

_MAX_STEPS = 100_000
_DEFAULT_STEPS, _DEFAULT_MAX_STEPS = 64, 4096
_FIRST_STEPS = 16  # where an integral to a tolerance begins


@METHODS.register("integrated_gradients", aliases=("intgrad", "ig"))
@dataclasses.dataclass(frozen=True)
class IntegratedGradients(Method):
    """(x − x₀) · ∫₀¹ ∂F/∂x (x₀ + α(x − x₀)) dα, by a quadrature of gradients.

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), up to the error of the
    quadrature, which `completeness_gap` shows.

    With `tolerance`, the number of nodes is doubled, for the examples that need it, until two results differ by
    less (relative L2 over an example) and the gap is below that part of |F(x) − F(x₀)| (or of 1e-6·|F|);
    `estimated_error` is that difference and `n_steps` all gradients that were taken, one each per example.
    Where `max_steps` ends it first, what was reached is returned, and these two say so.

    Attributes:
      n_steps: gradients per example, 1 … 100,000; default 64.
      quadrature: `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or `"right"`.
      tolerance: in (0, 1); excludes `n_steps`.
      max_steps: with `tolerance`: gradients per example at most, 48 … 100,000; default 4096.

    References:
      Sundararajan, Taly, Yan, *Axiomatic Attribution for Deep Networks*, ICML 2017,
      https://arxiv.org/abs/1703.01365.
    """

    uses_baseline: ClassVar[bool] = True
    loops: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    n_steps: int | None = None
    quadrature: str = "gauss_legendre"
    tolerance: float | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        known = ", ".join(map(repr, QUADRATURES))
        require(
            isinstance(self.quadrature, str) and self.quadrature in QUADRATURES,
            "quadrature",
            f"one of {known}",
            self.quadrature,
        )
        for option, least in (("n_steps", 1), ("max_steps", 3 * _FIRST_STEPS)):
            value = getattr(self, option)
            in_range = value is None or (is_int(value) and least <= value <= _MAX_STEPS)
            require(in_range, option, f"a whole number in {least} … {_MAX_STEPS}", value)
        if self.tolerance is None:
            require(self.max_steps is None, "max_steps", "given together with tolerance", self.max_steps)
        else:
            valid = is_real(self.tolerance) and 0 < self.tolerance < 1
            require(valid, "tolerance", "a number between 0 and 1", self.tolerance)
            require(self.n_steps is None, "n_steps", "left out where tolerance is given", self.n_steps)

    def data(self, layout: Layout) -> Data:
        nodes, weights = QUADRATURES[self.quadrature](self.n_steps or _DEFAULT_STEPS)
        return {"nodes": nodes, "weights": weights}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        if self.tolerance is None:
            return {**evaluate(self), "n_steps": self.n_steps or _DEFAULT_STEPS}
        if count is None:
            raise OptionError("tolerance looks at results between steps and must run outside of tf.function.")
        return self._refine(evaluate, self.tolerance, self.max_steps or _DEFAULT_MAX_STEPS, count)

    def _refine(self, evaluate: Evaluate, tolerance: float, max_steps: int, count: int) -> dict[str, Any]:
        """Doubles the nodes of the examples that are not yet within the tolerance."""
        steps = _FIRST_STEPS
        result = evaluate(dataclasses.replace(self, n_steps=steps, tolerance=None, max_steps=None))
        used, error, rows = np.full(count, steps), np.full(count, np.inf), np.arange(count)
        while rows.size and used[rows[0]] + 2 * steps <= max_steps:
            steps *= 2
            finer = evaluate(dataclasses.replace(self, n_steps=steps, tolerance=None, max_steps=None), rows)
            error[rows] = _difference([array[rows] for array in result["attributions"]], finer["attributions"])
            used[rows] += steps
            for coarse, fine in zip(result["attributions"], finer["attributions"], strict=True):
                coarse[rows] = fine
            rows = rows[(error[rows] > tolerance) | ~_closed(finer, tolerance)]
        return {**result, "n_steps": used, "estimated_error": error}

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        starts = scope.starts(baseline)
        means = mean_gradients(scope, starts, data["nodes"], data["weights"], composite, chunks)
        outputs, baseline_outputs = end_values(scope, starts, chunks)
        return {
            "attributions": [(x - b) * g for x, b, g in zip(scope.explained, starts, means, strict=True)],
            "outputs": outputs,
            "baseline_outputs": baseline_outputs,
        }


def _flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Returns `[batch, all features]` in float64."""
    return np.concatenate([array.astype(np.float64).reshape(len(array), -1) for array in arrays], 1)


def _difference(coarse: Sequence[np.ndarray], fine: Sequence[np.ndarray]) -> np.ndarray:
    """Returns ‖fine − coarse‖ / ‖fine‖ for each example, 0 where both are 0."""
    distance, size = np.linalg.norm(_flat(fine) - _flat(coarse), axis=1), np.linalg.norm(_flat(fine), axis=1)
    return np.where(distance == 0, 0.0, distance / np.where(size == 0, 1.0, size))


def _closed(result: dict[str, Any], tolerance: float) -> np.ndarray:
    """Returns for each example whether the completeness gap is within the tolerance."""
    end, start = (result[name].astype(np.float64) for name in ("outputs", "baseline_outputs"))
    gap = np.abs(_flat(result["attributions"]).sum(1) - (end - start))
    return gap <= np.maximum(tolerance * np.abs(end - start), 1e-6 * np.maximum(np.abs(end), np.abs(start)))
