"""The directive `findings`: what the pages of `examples/` found of the papers' statements, in one table.

    ```{findings}
    ```

A page that a reproduction wrote has a table below the title "What the paper found, and whether it holds here".
"""

from collections.abc import Iterator
import pathlib
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
_TITLE = "\n## What the paper found, and whether it holds here\n"


class Findings(SphinxDirective):
    """The table."""

    def run(self) -> list[nodes.Node]:
        """Returns the nodes of the table."""
        lines = ["| experiment | the paper | holds in |", "| --- | --- | --- |"]
        for path in sorted(_EXAMPLES.glob("*.md")):
            text = path.read_text("utf-8")
            self.env.note_dependency(str(path))
            lines += _rows(text, f"/examples/{path.name}") if _TITLE in text else []
        return self.parse_text_to_nodes("\n".join(lines))


def _rows(text: str, address: str) -> Iterator[str]:
    """Yields a row for each finding; the first has the title of the page."""
    title = f"[{text.splitlines()[0].removeprefix('# ')}]({address})"
    table = text.split(_TITLE)[1].split("\n\n")[1]
    for row in table.splitlines()[2:]:
        _, statement, holds, _ = (cell.strip() for cell in row.strip("|").split("|"))
        yield f"| {title} | {statement} | {holds} |"
        title = ""


def setup(app: Any) -> dict[str, bool]:
    """Registers the directive."""
    app.add_directive("findings", Findings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
