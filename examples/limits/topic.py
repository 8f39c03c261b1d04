"""Topics of the page: each has examples, whose source the page shows, and an advice."""

from collections.abc import Callable, Sequence
import dataclasses
import inspect
from typing import Any

from reproductions.findings import Finding
from reproductions.page import number

FUNCTIONS, NETS = "functions", "nets"
Numbers = dict[str, float]  # the number of each example, by its name


@dataclasses.dataclass(frozen=True)
class Example:
    """An example, whose number decides whether a statement holds.

    Attributes:
      name: such as `"1a"`.
      statement: what the chapter says.
      quantity: what the number is.
      run: returns the number; for a random network, of its seed.
      words: what the number means.
      least: the smallest number with which the statement holds, or None.
      most: the largest one, or None; one of both is None.
      random: whether a random network is tried.
    """

    name: str
    statement: str
    quantity: str
    run: Callable[..., float]
    words: str
    least: float | None = None
    most: float | None = None
    random: bool = False

    @property
    def finding(self) -> Finding[Numbers]:
        """The statement as a finding."""
        kinds = (NETS,) if self.random else (FUNCTIONS,)
        value = lambda numbers: numbers[self.name]  # noqa: E731
        return Finding(self.name, self.statement, self.quantity, value, kinds, self.least, self.most)


@dataclasses.dataclass(frozen=True)
class Topic:
    """Examples of one strength or limit.

    Attributes:
      title: its title.
      introduction: what the chapter says of it, in Markdown.
      examples: the examples.
      advice: what a user can do.
      shared: what the examples share, whose source stands before theirs.
      constants: names of constants of their module, each of which stands in one line, to be shown too.
    """

    title: str
    introduction: str
    examples: Sequence[Example]
    advice: str
    shared: Sequence[Any] = ()
    constants: Sequence[str] = ()

    def section(self, numbers: dict[str, list[float]]) -> str:
        """Returns the section of the page, with the numbers that were found."""
        parts = [f"## {self.title}\n", f"{self.introduction.strip()}\n"]
        shown: list[Any] = []
        if self.constants:
            parts.append(f"```python\n{self._constants()}```\n")
        if self.shared:
            parts.append(block(*self.shared))
        for example in self.examples:
            if example.run not in shown:
                parts.append(block(example.run))
                shown.append(example.run)
            values = numbers[example.name]
            said = ", ".join(map(number, values))
            call = f"`{example.run.__name__}({'seed' if example.random else ''})`"
            parts.append(f"{example.name}. {call} → **{said}**. {example.words.strip()}\n")
        return "\n".join([*parts, f"**What to do.** {self.advice.strip()}\n"])

    def _constants(self) -> str:
        """Returns the lines that set the constants."""
        lines = inspect.getsource(inspect.getmodule(self.examples[0].run) or self.examples[0].run).splitlines()
        return "".join(f"{line}\n" for name in self.constants for line in lines if line.startswith(f"{name} ="))


def block(*shown: Any) -> str:
    """Returns the source of functions and other objects as a block of Markdown."""
    return "```python\n" + "\n\n".join(inspect.getsource(one).strip("\n") + "\n" for one in shown) + "```\n"
