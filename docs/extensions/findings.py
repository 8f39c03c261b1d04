"""The directive `findings`: what the pages of `examples/` found of the papers' statements, in one table.

    ```{findings}
    ```

A page that a reproduction wrote has a table below the title "What the paper found, and whether it holds here".
"""

import pathlib
from typing import Any

from docutils import nodes
from finding_rows import TITLE, rows
from sphinx.util.docutils import SphinxDirective

_EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


class Findings(SphinxDirective):
    """The table."""

    def run(self) -> list[nodes.Node]:
        """Returns the nodes of the table."""
        lines = ["| experiment | the paper | holds in |", "| --- | --- | --- |"]
        for path in sorted(_EXAMPLES.glob("*.md")):
            text = path.read_text("utf-8")
            self.env.note_dependency(str(path))
            lines += rows(text, f"/examples/{path.name}") if TITLE in text else []
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Any) -> dict[str, bool]:
    """Registers the directive."""
    app.add_directive("findings", Findings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
