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
from deepexplain_tf.paths import QUADRATURES, mean_gradients
from deepexplain_tf.refinement import Samples, integrate
from deepexplain_tf.rules.composites import Composite

_MAX_STEPS = 100_000
_DEFAULT_STEPS, _DEFAULT_MAX_STEPS = 64, 4096
_FIRST_STEPS = 9  # where an integral to a tolerance begins


@METHODS.register("integrated_gradients", aliases=("intgrad", "ig"))
@dataclasses.dataclass(frozen=True)
class IntegratedGradients(Method):
    """(x − x₀) · ∫₀¹ ∂F/∂x (x₀ + α(x − x₀)) dα, by a quadrature of gradients.

    In units of the target. Guarantees completeness, Σ attributions = F(x) − F(x₀), up to the error of the
    quadrature, which `completeness_gap` shows.

    With `tolerance`, each example gets nodes where it needs them (`refinement`), until the estimated error of its
    attributions (relative L2) and the gap, as a part of |F(x) − F(x₀)| (or of 1e-6·|F|), are below it;
    `estimated_error` is that estimate and `n_steps` all gradients that were taken.
    Where `max_steps` ends it first, what was reached is returned, and these two say so.

    Attributes:
      n_steps: gradients per example, 1 … 100,000; default 64.
      quadrature: `"gauss_legendre"`, `"midpoint"`, `"trapezoid"`, `"left"` or `"right"`.
      tolerance: in (0, 1); excludes `n_steps`.
      gap_tolerance: in (0, 1), of the gap where it differs from `tolerance`; alone, the gap ends it, whatever the
        error of the attributions is.
      max_steps: with a tolerance: gradients per example at most, 9 … 100,000; default 4096.

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
    gap_tolerance: float | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        known = ", ".join(map(repr, QUADRATURES))
        require(
            isinstance(self.quadrature, str) and self.quadrature in QUADRATURES,
            "quadrature",
            f"one of {known}",
            self.quadrature,
        )
        for option, least in (("n_steps", 1), ("max_steps", _FIRST_STEPS)):
            value = getattr(self, option)
            in_range = value is None or (is_int(value) and least <= value <= _MAX_STEPS)
            require(in_range, option, f"a whole number in {least} … {_MAX_STEPS}", value)
        for option in ("tolerance", "gap_tolerance"):
            value = getattr(self, option)
            require(value is None or (is_real(value) and 0 < value < 1), option, "a number between 0 and 1", value)
        if self._adaptive:
            require(self.n_steps is None, "n_steps", "left out where a tolerance is given", self.n_steps)
        else:
            require(self.max_steps is None, "max_steps", "given together with a tolerance", self.max_steps)

    @property
    def _adaptive(self) -> bool:
        return self.tolerance is not None or self.gap_tolerance is not None

    def data(self, layout: Layout) -> Data:
        nodes, weights = QUADRATURES[self.quadrature](self.n_steps or _DEFAULT_STEPS)
        return {"nodes": nodes, "weights": weights}

    def run(self, evaluate: Evaluate, count: int | None) -> dict[str, Any]:
        if not self._adaptive:
            return {**evaluate(self), "n_steps": self.n_steps or _DEFAULT_STEPS}
        if count is None:
            raise OptionError("tolerance looks at results between steps and must run outside of tf.function.")

        def sample(rows: np.ndarray, alphas: np.ndarray) -> Samples:
            parts = [evaluate(_PathNodes(alphas[rows == row]), np.array([row])) for row in dict.fromkeys(rows)]
            columns = zip(*(part["attributions"] for part in parts), strict=True)
            values = np.concatenate([part["outputs"][0] for part in parts]).astype(np.float64)
            return Samples(values, [np.concatenate([array[0] for array in arrays]) for arrays in columns])

        integral = integrate(
            sample,
            count,
            tolerance=self.tolerance,
            gap_tolerance=self.gap_tolerance,
            max_steps=self.max_steps or _DEFAULT_MAX_STEPS,
        )
        return vars(integral)

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        start = scope.spread(baseline)
        means = mean_gradients(scope, start, data["nodes"], data["weights"], composite, chunks)
        return {
            "attributions": [(x - b) * g for x, b, g in zip(scope.explained, start, means, strict=True)],
            "outputs": scope.value(scope.explained),
            "baseline_outputs": scope.value(start),
        }


@dataclasses.dataclass(frozen=True)
class _PathNodes(Method):
    """F and (x − x₀)·∇F at nodes of the path of one example."""

    uses_baseline: ClassVar[bool] = True
    loops: ClassVar[bool] = True
    alphas: np.ndarray

    def data(self, layout: Layout) -> Data:
        return {"alphas": self.alphas}

    def attribute(
        self,
        scope: Scope,
        baseline: Sequence[tf.Tensor],
        data: TensorData,
        composite: Composite,
        chunks: Chunks,
    ) -> Result:
        start, alphas = scope.spread(baseline), data["alphas"]
        nodes = tf.size(alphas)

        def body(numbers: tf.Tensor, valid: tf.Tensor, state: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            example = tf.zeros_like(numbers)
            points = []
            for x0, x in zip(start, scope.explained, strict=True):
                column = tf.reshape(tf.cast(tf.gather(alphas, numbers), x.dtype), [-1] + [1] * (len(x.shape) - 1))
                points.append(x0[:1] + column * (x[:1] - x0[:1]))
            value, gradients = scope.rows(example).gradient(points, composite)
            new = [value, *((x - x0)[:1] * g for x0, x, g in zip(start, scope.explained, gradients, strict=True))]
            return [
                tf.tensor_scatter_nd_update(old, numbers[:, tf.newaxis], tf.cast(part, old.dtype))
                for old, part in zip(state, new, strict=True)
            ]

        ends = scope.explained
        zeros = [tf.zeros(tf.concat([[nodes], tf.shape(x)[1:]], 0), x.dtype) for x in ends]
        values, *parts = chunks.run(nodes, [tf.zeros([nodes], scope.value(ends).dtype), *zeros], body)
        batch = tf.shape(ends[0])[0]
        return {
            "attributions": [tf.repeat(part[tf.newaxis], batch, axis=0) for part in parts],
            "outputs": tf.repeat(values[tf.newaxis], batch, axis=0),
        }
