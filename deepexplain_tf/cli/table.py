"""Plain tables for the terminal."""

from collections.abc import Sequence


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table whose first column is flush left and whose others are flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def one(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()

    return "\n".join([one(header), "  ".join("-" * width for width in widths), *map(one, rows)])


def scientific(value: float) -> str:
    """Returns a small number in two digits, as `3.1e-06`."""
    return f"{value:.1e}"
