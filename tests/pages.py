"""Pages in Markdown: their code, run as a reader would, and the files that they link to."""

import ast
import linecache
import re
from typing import Any

import numpy as np

_SHAPES = re.compile(r"#.*?((?:\[\d+(?:, \d+)*\](?:, )?)+)")


def blocks(text: str) -> list[str]:
    """Returns the blocks of Python."""
    return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def links(text: str) -> list[str]:
    """Returns the paths of the files that are linked."""
    return re.findall(r"\]\((?!https?:|#)([^)#]+)", text)


def run(block: str, names: dict[str, Any]) -> None:
    """Runs a block, statement by statement; the shapes in a comment behind an expression are those of its values."""
    lines, file = block.splitlines(), f"<block {len(linecache.cache)}>"
    linecache.cache[file] = (len(block), None, [line + "\n" for line in lines], file)  # AutoGraph reads the source
    for statement in ast.parse(block).body:
        if not isinstance(statement, ast.Expr):
            exec(compile(ast.Module([statement], []), file, "exec"), names)
            continue
        value = eval(compile(ast.Expression(statement.value), file, "eval"), names)
        found = _SHAPES.search(lines[statement.end_lineno - 1][statement.end_col_offset :])
        if found:
            shapes = [tuple(map(int, shape.split(", "))) for shape in re.findall(r"\[([\d, ]+)\]", found[1])]
            values = value if isinstance(value, tuple) else (value,)
            assert [np.shape(one) for one in values] == shapes, lines[statement.end_lineno - 1]
