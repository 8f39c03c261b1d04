"""What a metric is: a function over a callable and arrays, registered once; and how its scores are reported.

A metric evaluates functions in the dtype of its inputs and adds up in float64. It reads its arguments by
`metrics.arguments` and calls functions by `metrics.evaluation`, so that it keeps what `deepexplain_tf.metrics` says of
all metrics.
"""

from collections.abc import Callable, Mapping
import dataclasses
import functools
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from deepexplain_tf.registry import Registry

CONFIDENCE = 0.95
Made = TypeVar("Made", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric as it is registered.

    Attributes:
      function: the metric; its parameters tell what it is given (`fn`, `explain`, `inputs`, `attributions`, …).
      better: `"higher"` or `"lower"`: which `Score.summary` is the better one.
      contributions: whether attributions must be contributions to the target, not changes per unit of the input.
      compared: what a comparison of several methods passes where the user says nothing.
    """

    function: Callable[..., Any]
    better: str
    contributions: bool = False
    compared: Mapping[str, Any] = dataclasses.field(default_factory=dict)


METRICS: Registry[Metric] = Registry("metric")


def metric(name: str, *, aliases: tuple[str, ...] = (), **facts: Any) -> Callable[[Made], Made]:
    """Returns a decorator that registers a function as a metric; `facts` are those of `Metric`."""

    def add(function: Made) -> Made:
        METRICS.register(name, aliases=aliases)(Metric(function, **facts))
        return function

    return add


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Score:
    """The score of each example, and their mean.

    An example whose score is not defined is NaN; it is left out of the mean and the interval.

    Attributes:
      per_example: `[batch]`, or `[batch, ...]` where a metric has several scores for each example.
    """

    per_example: np.ndarray

    @property
    def count(self) -> np.ndarray:
        """The number of examples whose score is defined, shaped as the mean."""
        return np.isfinite(self.per_example).sum(0)

    @property
    def mean(self) -> np.ndarray:
        """The mean over the examples, shaped as one example's score; NaN where no score is defined."""
        total = np.where(np.isfinite(self.per_example), self.per_example, 0).sum(0)
        return np.where(self.count > 0, total / np.maximum(self.count, 1), np.nan)[()]

    @property
    def interval(self) -> np.ndarray:
        """`[2, ...]`: the lower and the upper end of the 95 % confidence interval of the mean, mean ± t·s/√count.

        Student's t with count − 1 degrees of freedom; NaN for fewer than two examples.
        """
        squares = np.where(np.isfinite(self.per_example), (self.per_example - self.mean) ** 2, 0).sum(0)
        free = np.where(self.count > 1, self.count - 1, np.nan)
        half = _t_of(self.count) * np.sqrt(squares / free / np.maximum(self.count, 1))
        return np.stack([self.mean - half, self.mean + half])

    @property
    def summary(self) -> "Score":
        """One number for each example, which a table of several metrics shows."""
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._described()}; {len(self.per_example)} examples)"

    def _described(self) -> str:
        low, high = self.interval
        return f"mean {self.mean:.4g}, 95 % interval {low:.4g} … {high:.4g}"


@functools.cache
def student_t(free: int) -> float:
    """Returns how many standard errors on either side hold 95 % of Student's t distribution, free ≥ 1."""
    # P(|T| > t) = I_x(free/2, 1/2) with x = free / (free + t²), which grows with x.
    low, high = 0.0, 1.0
    half, one_half = tf.constant(free / 2, tf.float64), tf.constant(0.5, tf.float64)
    for _ in range(60):
        middle = (low + high) / 2
        outside = float(tf.math.betainc(half, one_half, tf.constant(middle, tf.float64)))
        low, high = (middle, high) if outside < 1 - CONFIDENCE else (low, middle)
    return float(np.sqrt(free * (1 / low - 1)))


def _t_of(count: np.ndarray) -> np.ndarray:
    values = [student_t(int(n) - 1) if n > 1 else np.nan for n in np.ravel(count)]
    return np.reshape(values, np.shape(count))
