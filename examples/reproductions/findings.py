"""Statements of a paper, each judged by one number of a net, or of a photo, with a limit."""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
from typing import Generic, TypeVar

FiguresT = TypeVar("FiguresT")


@dataclasses.dataclass(frozen=True)
class Finding(Generic[FiguresT]):
    """A statement of a paper.

    Attributes:
      name: the number of the finding.
      statement: what the paper says, in words.
      quantity: the measured quantity in words.
      value: the figures of a net → the measured quantity.
      kinds: the kinds of nets that it concerns.
      least: the smallest value with which the finding holds, or None.
      most: the largest value with which the finding holds, or None; one of both is None.
    """

    name: str
    statement: str
    quantity: str
    value: Callable[[FiguresT], float]
    kinds: Sequence[str]
    least: float | None = None
    most: float | None = None

    @property
    def limit(self) -> str:
        """The limit as text."""
        return f"≥ {self.least:g}" if self.least is not None else f"≤ {self.most:g}"

    def holds(self, value: float) -> bool:
        """Returns whether a value is within the limit; NaN is not."""
        return value >= self.least if self.least is not None else self.most is not None and value <= self.most


@dataclasses.dataclass(frozen=True)
class Verdict(Generic[FiguresT]):
    """A finding judged on the nets of one kind."""

    finding: Finding[FiguresT]
    kind: str
    values: list[float]

    @property
    def holding(self) -> int:
        """The number of nets in which the finding holds."""
        return sum(map(self.finding.holds, self.values))

    def __str__(self) -> str:
        if self.holding == len(self.values):
            return "holds"
        return f"holds in {self.holding} of {len(self.values)}" if self.holding else "does not hold"


def judge(findings: Sequence[Finding[FiguresT]], figures: Mapping[str, Sequence[FiguresT]]) -> list[Verdict[FiguresT]]:
    """Returns a verdict for each finding and each measured kind that it concerns.

    Args:
      findings: the findings.
      figures: kind → the figures of its nets.
    """
    return [
        Verdict(finding, kind, [finding.value(net) for net in figures[kind]])
        for finding in findings
        for kind in finding.kinds
        if kind in figures
    ]
