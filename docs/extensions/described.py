"""The directive `described`: what `dx.describe` tells of all methods or metrics, a section for each, with its formula.

    ```{described} methods
    ```

The formulas in LaTeX are in `formulas.toml`; `tests/docs_test.py` has each registered name have one.
"""

from collections.abc import Iterator
import pathlib
import re
import tomllib
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import deepexplain_tf as dx
from deepexplain_tf.methods.description import Description

_FORMULAS = tomllib.loads((pathlib.Path(__file__).parents[1] / "formulas.toml").read_text("utf-8"))
_FAMILIES = {"methods": (dx.list_methods, "method"), "metrics": (dx.list_metrics, "metric")}
_SIGNS = re.compile(r"([*_<$|])")  # which Markdown would read as its own
_ADDRESS = re.compile(r"https?://[^\s;)]*[^\s;),.]")


class Described(SphinxDirective):
    """The sections of a family, in the order of the names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Returns the nodes of the sections."""
        names, family = _FAMILIES[self.arguments[0]]
        lines: list[str] = []
        for name in names():
            lines += [f"## {name}", "", "$$", _FORMULAS[self.arguments[0]][name], "$$", ""]
            lines += [*_lines(dx.describe(name, family)), ""]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def _lines(page: Description) -> Iterator[str]:
    for paragraph in (page.formula, *page.paragraphs):
        yield from [_escaped(paragraph), ""]
    if page.facts:
        yield from ["| | |", "| --- | --- |"]
        yield from (f"| **{title}** | {_escaped(text)} |" for title, text in page.facts.items())
        yield ""
    for option in page.options:
        default = "" if option.default is None else f" = {option.default!r}"
        yield f"- `{option.name}{default}`: {_escaped(option.meaning)}"
    yield from ["", _ADDRESS.sub(r"<\g<0>>", page.references)]


def _escaped(text: str) -> str:
    """Returns a text whose signs outside of code stay what they are."""
    parts = text.split("`")
    parts[::2] = [_SIGNS.sub(r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def setup(app: Any) -> dict[str, bool]:
    """Registers the directive."""
    app.add_directive("described", Described)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
