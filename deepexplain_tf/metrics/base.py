"""The contract of a metric: a function of a callable and arrays, registered once, and the score that it returns."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.registry import Registry

CONFIDENCE = 0.95
GIVEN = ("fn", "explain", "model", "inputs", "attributions")  # parameters of a metric that are no options
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes:
      function: the metric; `dx.compare` passes each argument by the name of its parameter, see `metric`.
      better: `"higher"` or `"lower"`: which `Score.summary` is the better one.
      contributions: whether attributions must be contributions to the target, not changes per unit of the input;
        `dx.compare` then leaves out the methods that return changes.
      reversed_by: options under which the other direction is the better one.
      comparison_defaults: options for which `dx.compare` has another default than the function.
    """

    function: Callable[..., Any]
    better: str
    contributions: bool = False
    reversed_by: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    comparison_defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)


METRICS: Registry[Metric] = Registry("metric")


def metric(name: str, *, aliases: tuple[str, ...] = (), **facts: Any) -> Callable[[FunctionT], FunctionT]:
    """Returns a decorator that registers a function as a metric.

    A metric keeps the conventions of `deepexplain_tf.metrics`:

    - It has its registered name, and a file of its own that imports nothing of models, rules or methods;
      `metrics/__init__.py` imports it, and `tests/metrics/conformance_test.py` has a case for it.
    - It takes `(fn, inputs, attributions, *, …)`, or `(inputs, attributions, *, …)` where it asks no model, or
      `(explain, inputs, *, …)`, or `(explain, model, inputs, *, …)`, where it calls `explain(model, inputs)`.
      `dx.compare` passes these arguments, and also `baseline`, `groups`, `seed` and `chunk_size` to a parameter of that
      name. Every other parameter is an option; one without a default, such as `masks`, is given to `dx.compare` with
      the metric's name.
    - It reads its arguments with `metrics.arguments` and `metrics.explainers`, evaluates `fn` with
      `metrics.evaluation` or `metrics.masks` in the dtype of the inputs, and adds up in float64.
    - It checks all arguments before it calls `fn` or `explain` for the first time: `dx.compare` first runs it up to
      that call, or to its end if it needs no function. An InputError or ModelError up to there means that the metric
      does not fit the examples or the model, which the comparison reports; any other error ends the comparison.
    - It draws random numbers from `seed` alone, the same ones for all sets of attributions.
    - It returns a `Score`, or a dict of them where the user passes several by name: `Attributions.by_name` or
      `Explainers.by_name`.

    `completeness.py` and `max_sensitivity.py` are short examples.

    Args:
      name: the metric's name, in snake_case.
      aliases: other names for it.
      **facts: `better`, and where needed the other ones of `Metric`.

    Raises:
      ValueError: a name or alias that is registered already.
    """

    def add(function: FunctionT) -> FunctionT:
        METRICS.register(name, aliases=aliases)(Metric(function, **facts))
        return function

    return add


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Score:
    """The scores of the examples, with their mean and its confidence interval.

    NaN is the score of an example for which it is not defined; mean and interval leave that example out.

    A subclass is decorated as this class is; its further fields appear in `Comparison.to_json`. Where `per_example` has
    more than one axis, the subclass overrides `summary` and `__repr__`.

    Attributes:
      per_example: float64 `[batch]`, or `[batch, ...]` where a metric has several scores for each example.
    """

    per_example: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """The number of examples whose score is defined, shaped like `mean`."""
        return np.isfinite(self.per_example).sum(0)

    @property
    def mean(self) -> np.ndarray:
        """The mean over the examples, shaped like the score of one example; NaN where no score is defined."""
        total = np.where(np.isfinite(self.per_example), self.per_example, 0).sum(0)
        return np.where(self.count > 0, total / np.maximum(self.count, 1), np.nan)[()]

    @property
    def interval(self) -> np.ndarray:
        """`[2, ...]`: the lower and the upper end of the 95 % confidence interval of the mean, mean ± t·s/√count.

        Student's t with count − 1 degrees of freedom; NaN for fewer than two examples.
        """
        squares = np.where(np.isfinite(self.per_example), (self.per_example - self.mean) ** 2, 0).sum(0)
        free = np.where(self.count > 1, self.count - 1, np.nan)
        half = _student_t_of(self.count) * np.sqrt(squares / free / np.maximum(self.count, 1))
        return np.stack([self.mean - half, self.mean + half])

    @property
    def summary(self) -> "Score":
        """A score of one number per example, `[batch]`, whose mean stands in the table of a comparison."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described()}; {len(self.per_example)} examples)"

    def _described(self) -> str:
        low, high = self.interval
        return f"mean {self.mean:.4g}, 95 % interval {low:.4g} … {high:.4g}"


@functools.cache
def student_t(free: int) -> float:
    """Returns the t for which P(|T| ≤ t) = 0.95 under Student's distribution with `free` ≥ 1 degrees of freedom."""
    # P(|T| > t) = I_x(free/2, 1/2) with x = free / (free + t²), which grows with x.
    low, high = 0.0, 1.0
    half, one_half = tf.constant(free / 2, tf.float64), tf.constant(0.5, tf.float64)
    for _ in range(60):
        middle = (low + high) / 2
        outside = float(tf.math.betainc(half, one_half, tf.constant(middle, tf.float64)))
        low, high = (middle, high) if outside < 1 - CONFIDENCE else (low, middle)
    return float(np.sqrt(free * (1 / low - 1)))


def _student_t_of(count: np.ndarray) -> np.ndarray:
    values = [student_t(int(n) - 1) if n > 1 else np.nan for n in np.ravel(count)]
    return np.reshape(values, np.shape(count))
