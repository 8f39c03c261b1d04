"""The figures of one work of the benchmark."""

from collections.abc import Mapping, Sequence
import dataclasses
from typing import Any

from deepexplain_tf.writing.table import scientific

FIGURES = (
    *("ours ms", "floor ms", "ratio", "plain ratio", "XLA ratio", "ours MB", "floor MB", "memory ratio", "growth MB"),
    *("ours s", "floor s", "first ratio", "difference", "difference 64"),
)


@dataclasses.dataclass
class Row:
    """The figures of one work; `missing` names packages without which there are none."""

    work: str
    limits: dict[str, float]
    inputs: str = ""
    steps: int = 0
    ours: str = ""
    floor: str = ""
    first_floor: str = ""
    figures: dict[str, float] = dataclasses.field(default_factory=dict)
    peers: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    gradients: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    missing: str = ""

    @property
    def reached(self) -> dict[str, bool]:
        """For each measured figure with a limit, whether it is within the limit."""
        return {name: self.figures[name] <= limit for name, limit in self.limits.items() if name in self.figures}

    def add(self, figures: Mapping[str, float | None]) -> None:
        """Adds the figures that are not None."""
        self.figures.update({name: value for name, value in figures.items() if value is not None})

    def cells(self, names: Sequence[str] = FIGURES) -> list[str]:
        """Returns the row as text."""
        said = [f"{name} ≤ {self.limits[name]:g}: {'yes' if met else 'no'}" for name, met in self.reached.items()]
        figures = [shown(name, self.figures.get(name)) for name in names]
        about = f"{self.inputs} · {self.steps}" if self.inputs else f"not installed: {self.missing}"
        return [self.work, about, self.floor, *figures, ", ".join(said)]


def shown(name: str, value: float | None) -> str:
    """Returns a figure as text."""
    if value is None:
        return "–"
    if "difference" in name:
        return scientific(value)
    return f"{value:.3f}" if "ratio" in name else f"{value:.1f}"
