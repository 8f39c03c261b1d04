"""A method at many noisy copies of each example, and the mean or variance over them."""

from collections.abc import Hashable, Sequence
import dataclasses
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.options import require
from deepexplain_tf.errors import InputError
from deepexplain_tf.methods.around import Around, wide_attributions
from deepexplain_tf.methods.base import Data, Result, TensorData
from deepexplain_tf.methods.gradient_method import GradientMethod
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.methods.standard_error import standard_error
from deepexplain_tf.objective.chunks import Chunks
from deepexplain_tf.objective.evaluations import (
    Evaluations,
    as_column,
    gather_baseline,
    gather_shared,
    sum_terms,
    target_values,
    wide_dtype,
)
from deepexplain_tf.objective.normal import normal
from deepexplain_tf.objective.objective import Objective
from deepexplain_tf.objective.scope import Scope
from deepexplain_tf.objective.shapes import count_rows
from deepexplain_tf.rules.composites import Composite


@dataclasses.dataclass(frozen=True)
class Noisy(Around):
    """The mean, the mean square or the variance of a method's attributions under noise; see `arguments.noise.noise`.

    One loop takes all pairs of an example and a sample, each of which the method sees as an example. A method with a
    loop of its own runs it inside, so that a chunk never holds more evaluations than without noise. The noise is added
    to what baselines belong to: the explained tensors, or the model's inputs (`from_inputs`).
    """

    repeats: ClassVar[bool] = True
    noisy: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.noise.kind != "smoothgrad":  # squares add up to nothing
            object.__setattr__(self, "complete", False)
            object.__setattr__(self, "conserves", False)

    @property
    def form(self) -> tuple[Hashable, ...]:
        return type(self), self.method.form, self.noise.kind, self.noise.relative

    @property
    def evaluations(self) -> int | None:
        return self._times(self.method.evaluations)

    def evaluations_in(self, layout: Layout) -> int | None:
        return self._times(self.method.evaluations_in(layout))

    def _times(self, evaluations: int | None) -> int | None:
        inside = evaluations if self.method.loops else 1
        return None if inside is None else self.noise.n_samples * inside

    def part(self, objective: Objective) -> Objective:
        for value in objective.inputs if self.from_inputs else objective.explained:
            if not value.dtype.is_floating:
                raise InputError(
                    f"inputs must be floats to get noise. Got {value.dtype.name} for {value.node.name!r}; name the "
                    "layer behind it with layer= (an embedding for tokens)."
                )
            largest = float(value.dtype.max)
            require(self.noise.size <= largest, "stdev", f"at most {largest:.3g}", self.noise.stdev)
        return super().part(objective)

    @property
    def per_unit(self) -> bool:
        return self.method.per_unit or self.noise.kind != "smoothgrad"

    def data(self, layout: Layout) -> Data:
        return {**super().data(layout), "noise_size": np.float64(self.noise.size)}

    def attribute(
        self, scope: Scope, baseline: Sequence[tf.Tensor], data: TensorData, composite: Composite, chunks: Chunks
    ) -> Result:
        method, samples, squares = self.method, data["noise_samples"], self.noise.kind == "smoothgrad_sq"
        if isinstance(method, GradientMethod):  # which takes nothing but values and gradients from a scope
            scope, _ = scope.simplified(composite, straight=False)
        exact = scope.inputs if method.from_inputs else scope.explained
        sizes = self._sizes(exact, data["noise_size"])

        def terms(example: tf.Tensor, sample: tf.Tensor) -> list[tf.Tensor]:
            points = _noisy(exact, sizes, data["noise_key"], example, sample, chunks.pad)
            baselines = [gather_baseline(array, example) for array in baseline]
            given, rows = {**data, "count": count_rows(example)}, scope.gather(example)
            rows = rows.at_inputs(points) if method.from_inputs else rows.at(points)
            result = method.attribute(rows, baselines, given, composite, chunks)
            found = wide_attributions(result)
            values = [value**2 for value in found] if squares else found
            return [*self.ends(result, found), *values, *(value**2 for value in values)]

        ends = [tf.zeros([scope.size], tf.float64)] * (2 + self.compares)
        wide = [tf.cast(template, tf.float64) for template in method.templates(scope, data)]
        loop = chunks.for_few_evaluations() if method.loops else chunks
        evaluations = Evaluations(samples, data["count"], loop, rounds=True)
        total, outputs, *sums = sum_terms(evaluations, [*ends, *wide, *wide], terms)
        start, sums = sums[: self.compares], sums[self.compares :]
        moments = zip(sums[: len(wide)], sums[len(wide) :], strict=True)
        result = self._result([(first / _as(samples, first), second) for first, second in moments], samples)
        once = Evaluations(tf.constant(1), data["count"], chunks.for_few_evaluations())
        clean = target_values(scope, lambda row, _: [tf.gather(x, row) for x in scope.explained], once, after=sums)
        result["outputs"] = clean[:, 0]
        result["mean_outputs"], result["total"], *starts = [
            tf.cast(summed / _as(samples, summed), scope.dtype) for summed in (outputs, total, *start)
        ]
        if self.compares:
            (result["baseline_outputs"],) = starts
        return result

    def _sizes(self, explained: Sequence[tf.Tensor], size: tf.Tensor) -> list[tf.Tensor]:
        """Returns the standard deviations `[1 or batch]` of the noise for each explained tensor."""
        wide = [tf.cast(x, wide_dtype(x)) for x in explained]
        if not self.noise.relative:
            return [tf.cast([size], x.dtype) for x in wide]
        return [_as(size, x) * (_over(tf.reduce_max, x) - _over(tf.reduce_min, x)) for x in wide]

    def _result(self, moments: Sequence[tuple[tf.Tensor, tf.Tensor]], samples: tf.Tensor) -> Result:
        """Returns what the kind of noise makes of the mean and the sum of squares of each tensor."""
        deviations = [tf.maximum(squares - mean**2 * _as(samples, mean), 0) for mean, squares in moments]
        if self.noise.kind == "vargrad":
            return {"attributions": [deviation / _as(samples, deviation) for deviation in deviations]}
        errors = [standard_error(deviation, samples) for deviation in deviations]
        return {"attributions": [mean for mean, _ in moments], "standard_error": errors}


def _noisy(
    explained: Sequence[tf.Tensor],
    sizes: Sequence[tf.Tensor],
    key: tf.Tensor,
    example: tf.Tensor,
    sample: tf.Tensor,
    fixed: bool,
) -> list[tf.Tensor]:
    """Returns explained tensors `[rows, ...]` with noise.

    Args:
      explained: the explained tensors, `[batch, ...]` each.
      sizes: the standard deviations of their noise, `[1 or batch]` each.
      key: the key of the noise of the first of them; the next has the next key.
      example: `[rows]`, the numbers of the examples.
      sample: `[rows]`, the numbers of their samples, in order.
      fixed: whether shapes must be known to XLA.
    """
    first = tf.reduce_min(sample)
    count = count_rows(sample) if fixed else tf.reduce_max(sample) - first + 1
    points = []
    for number, (x, size) in enumerate(zip(explained, sizes, strict=True)):
        drawn = normal(key + tf.cast(number, key.dtype), first, count, x, size.dtype)
        shift = as_column(gather_shared(size, example), x, size.dtype) * tf.gather(drawn, sample - first)
        points.append(tf.cast(tf.cast(tf.gather(x, example), size.dtype) + shift, x.dtype))
    return points


def _over(reduce: Any, tensor: tf.Tensor) -> tf.Tensor:
    """Returns a reduction `[batch]` of each example."""
    return reduce(tensor, list(range(1, len(tensor.shape))))


def _as(number: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    return tf.cast(number, tensor.dtype)
