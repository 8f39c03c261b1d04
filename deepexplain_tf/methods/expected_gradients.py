"""Expected Gradients."""

from collections.abc import Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require, require_between
from deepexplain_tf.errors import OptionError
from deepexplain_tf.methods.base import METHODS, Data, Method, Result, TensorData
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.background import Background
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import Evaluations, as_column, sum_contributions
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.rules.composites import Composite

_MAX_SAMPLES = 100_000
_SAMPLING = ("stratified", "random")


@METHODS.register("expected_gradients")
@dataclasses.dataclass(frozen=True)
class ExpectedGradients(Method):
    """E[(x − x₀) · ∂F/∂x (x₀ + α(x − x₀))] over random baselines x₀ of a background and random α in (0, 1).

    In units of the target. In expectation, attributions add up to F(x) − mean F(x₀); the mean over the background is
    `baseline_outputs`. `completeness_gap` and `standard_error` show the sampling error. All examples of a call share
    the samples. `integrated_gradients` with `background=` takes the mean over the whole background, without sampling.

    Attributes:
      background: a set of baselines for all examples `[n_baselines, ...]`, or one for each
        `[batch, n_baselines, ...]`, in the structure of the explained tensors.
      n_samples: gradients per example, 2 … 100,000; default 256.
      sampling: `"random"` draws α and x₀ independently; `"stratified"` draws one α from each of `n_samples` equal
        parts of (0, 1) and uses all baselines equally often. Its errors are smaller than `standard_error`, which is
        that of independent samples.

    References:
      Erion, Janizek, Sturmfels, Lundberg, Lee, *Improving Performance of Deep Learning Models with Axiomatic
      Attribution Priors and Expected Gradients*, Nature Machine Intelligence 2021, https://arxiv.org/abs/1906.10670.
    """

    repeats: ClassVar[bool] = True
    remedy: ClassVar[str] = "more n_samples help, or a background nearer to the inputs"
    complete: ClassVar[bool] = True
    background: Any = None
    n_samples: int = 256
    sampling: str = "stratified"

    def __post_init__(self) -> None:
        require_between("n_samples", 2, _MAX_SAMPLES, self.n_samples)
        known = isinstance(self.sampling, str) and self.sampling in _SAMPLING
        require(known, "sampling", " or ".join(map(repr, _SAMPLING)), self.sampling)

    @property
    def evaluations(self) -> int:
        return self.n_samples

    def data(self, layout: Layout) -> Data:
        if self.background is None:
            raise OptionError("expected_gradients needs background=, baselines [n_baselines, ...]. Got none.")
        generator, n = np.random.default_rng(layout.seed), self.n_samples
        size = layout.n_baselines
        if self.sampling == "random":
            chosen, alphas = generator.integers(size, size=n), generator.random(n)
        else:
            chosen = np.concatenate([generator.permutation(size) for _ in range(-(-n // size))])[:n]
            alphas = (generator.permutation(n) + generator.random(n)) / n
        kept = _MAX_SAMPLES if layout.fixed_sizes else n  # so that XLA does not compile anew for another n_samples
        chosen, alphas = np.pad(chosen.astype(np.int32), (0, kept - n)), np.pad(alphas, (0, kept - n))
        return {"chosen": chosen, "alphas": alphas, "samples": np.int32(n)}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        simplified, _ = scope.simplified(composite, straight=False)
        background = Background(scope, baseline, data.get("n_baselines"))

        def ends(example: tf.Tensor, sample: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
            baselines = background.rows(example, tf.gather(data["chosen"], sample))
            return [(x0, tf.gather(x, example)) for x0, x in zip(baselines, scope.explained, strict=True)]

        def points(example: tf.Tensor, sample: tf.Tensor) -> list[tf.Tensor]:
            alpha = tf.gather(data["alphas"], sample)
            return [x0 + as_column(alpha, x) * (x - x0) for x0, x in ends(example, sample)]

        def moments(example: tf.Tensor, sample: tf.Tensor, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            parts = [(x - x0) * g for (x0, x), g in zip(ends(example, sample), gradients, strict=True)]
            return [*parts, *(part**2 for part in parts)]

        evaluations = Evaluations(data["samples"], data["count"], chunks)
        sums = sum_contributions(
            simplified, composite, evaluations, [*scope.explained, *scope.explained], points, moments
        )
        means = [total / tf.cast(data["samples"], total.dtype) for total in sums]
        count = len(scope.explained)
        pairs = list(zip(means[:count], means[count:], strict=True))
        outputs, baseline_outputs = background.values(sums, data["count"], chunks)
        return {
            "attributions": [mean for mean, _ in pairs],
            "standard_error": [_standard_error(mean, square, data["samples"]) for mean, square in pairs],
            "outputs": outputs,
            "baseline_outputs": baseline_outputs,
        }


def _standard_error(mean: tf.Tensor, square: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns the standard error of a mean of `count` samples, from that mean and the mean of squares."""
    return standard_error(tf.maximum(square - mean**2, 0) * tf.cast(count, mean.dtype), count)
