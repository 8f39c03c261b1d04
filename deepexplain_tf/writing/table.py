"""Plain tables of text."""

from collections.abc import Sequence


def render(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a table with its first `left` columns flush left and the other columns flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def render_line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([render_line(header), "  ".join("-" * width for width in widths), *map(render_line, rows)])


def scientific(value: float) -> str:
    """Returns a number in two significant digits, such as `3.1e-06`."""
    return f"{value:.1e}"
