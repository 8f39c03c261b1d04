"""Plain tables of text."""

from collections.abc import Sequence


def render(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Returns a table whose first `left` columns are flush left and whose others are flush right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def one(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    return "\n".join([one(header), "  ".join("-" * width for width in widths), *map(one, rows)])


def scientific(value: float) -> str:
    """Returns a small number in two digits, as `3.1e-06`."""
    return f"{value:.1e}"
