"""Pages about methods, metrics and rules."""

from collections.abc import Mapping
import dataclasses
import inspect
import textwrap
from typing import Any

_WIDTH = 100
REQUIRED = inspect.Parameter.empty


@dataclasses.dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
      name: its name.
      type: its annotation as text, such as `"int | None"`.
      default: its default, `REQUIRED` where there is none.
      meaning: what it means, and its range.
    """

    name: str
    type: str
    default: Any
    meaning: str

    def __str__(self) -> str:
        default = "" if self.default is REQUIRED else f" = {self.default!r}"
        return f"  {self.name}: {self.type}{default}\n{_filled(self.meaning, 6)}"


@dataclasses.dataclass(frozen=True, repr=False, kw_only=True)
class Description:
    """A page about a method, a metric or a rule: its text is what `print` and a notebook show.

    Attributes:
      name: the registered name.
      family: `"method"`, `"metric"` or `"rule"`.
      aliases: its other names.
      formula: the first sentence of its docstring.
      paragraphs: what the docstring says behind it.
      options: its options in their order.
      references: the papers, in one text.
    """

    name: str
    family: str
    aliases: tuple[str, ...]
    formula: str
    paragraphs: tuple[str, ...]
    options: tuple[Option, ...]
    references: str

    @property
    def facts(self) -> Mapping[str, str]:
        """Short facts by their titles."""
        return {"also": ", ".join(self.aliases)} if self.aliases else {}

    def __repr__(self) -> str:
        title = f"{self.name}, a {self.family}"
        parts = [
            f"{title}\n{'=' * len(title)}",
            *map(_filled, (self.formula, *self.paragraphs)),
            "\n".join(_filled(text, 12, f"  {fact:<10}") for fact, text in self.facts.items()),
            "\n".join(["Options:", *map(str, self.options)]) if self.options else "",
            f"References:\n{_filled(self.references, 2)}" if self.references else "",
        ]
        return "\n\n".join(part for part in parts if part)


@dataclasses.dataclass(frozen=True, repr=False, kw_only=True)
class MethodDescription(Description):
    """A page about a method with its default options.

    Attributes:
      evaluations: the evaluations of the model for one example; None where it is one forward and one backward pass, or
        where the inputs tell the number.
      cost: what one example costs, and where the method takes both, one of its baselines; in words.
      loops: whether the program goes through evaluations in a loop over chunks.
      complete: whether attributions add up to F(x) − F(x₀).
      conserves: whether they add up to F(x), but for what biases and stabilizers absorb.
      insensitive: whether they hardly depend on what the last layers have learned.
      per_unit: whether they are in another unit than the target.
      baseline: whether the method compares with a `baseline=`.
      background: whether it compares with a set of baselines, `background=`.
      not_exported_with: the options with which it is not exported.
    """

    evaluations: int | None
    cost: str
    loops: bool
    complete: bool
    conserves: bool
    insensitive: bool
    per_unit: bool
    baseline: bool
    background: bool
    not_exported_with: tuple[str, ...]

    @property
    def facts(self) -> Mapping[str, str]:
        taken = [f"{name}=" for name in ("baseline", "background") if getattr(self, name)]
        each = ", for each baseline" if len(taken) == 2 else ""
        excluded = " or ".join(f"{option}=" for option in self.not_exported_with)
        facts = {
            "sum": self._sum,
            "unit": "another than that of the target" if self.per_unit else "that of the target",
            "takes": " or ".join(taken) or "no baseline",
            "cost": f"{self.cost}{each}{', in a loop over chunks' if self.loops else ''}",
            "export": f"yes, but not with {excluded}" if excluded else "yes",
        }
        caution = {"caution": "hardly depends on what the last layers have learned"} if self.insensitive else {}
        return {**super().facts, **facts, **caution}

    @property
    def _sum(self) -> str:
        if self.complete:
            return "complete: attributions add up to F(x) − F(x₀)"
        if self.conserves:
            return "conserves: attributions add up to F(x), but for what biases and stabilizers absorb"
        return "not complete"


@dataclasses.dataclass(frozen=True, repr=False, kw_only=True)
class MetricDescription(Description):
    """A page about a metric.

    Attributes:
      better: `"higher"` or `"lower"`, which score is the better one.
      contributions: whether attributions must be contributions to the target, not changes per unit of the input.
    """

    better: str
    contributions: bool

    @property
    def facts(self) -> Mapping[str, str]:
        scored = "contributions to the target" if self.contributions else "attributions of any kind"
        return {**super().facts, "better": self.better, "scores": scored}


def _filled(text: str, indent: int = 0, beginning: str | None = None) -> str:
    """Returns a text in lines behind a margin, with `beginning` in that of the first."""
    margin = " " * indent
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=margin if beginning is None else beginning,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
