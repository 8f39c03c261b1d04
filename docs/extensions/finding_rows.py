"""The table of a page's findings, as rows of the table of all."""

from collections.abc import Iterator

TITLE = "\n## What the paper found, and whether it holds here\n"


def rows(text: str, address: str) -> Iterator[str]:
    """Yields a row for each finding; the first has the title of the page."""
    title = f"[{text.splitlines()[0].removeprefix('# ')}]({address})"
    table = text.split(TITLE)[1].strip().split("\n\n")[0]
    for row in table.splitlines()[2:]:
        _, statement, holds, _ = (cell.strip() for cell in row.strip("|").split("|"))
        yield f"| {title} | {statement} | {holds} |"
        title = ""
