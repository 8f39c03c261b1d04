"""How many lines explain, in each of the six jobs: with this library, with captum, with shap?

    python examples/lines_of_jobs.py --page=examples/jobs.md

This script counts the lines of `jobs/` and of `jobs_elsewhere/`, prints a table and writes it into the page, between
its two marks. All scripts are formatted to 120 columns. Counted of each are

  - what follows the paragraph that trains (the one with `model.fit(…)` or `trained(…)`), to the end of the script, but
    no blank line and no comment;
  - the imports that this part uses and that training does not need anyway: what explains, draws and writes.
"""

import ast
from collections.abc import Iterator, Sequence
import pathlib

from absl import app, flags

from results import markdown_table, write

_PAGE = flags.DEFINE_string("page", None, "The page whose table is written anew.")

LIBRARIES = ("deepexplain_tf", "captum", "shap")
MARKS = ("<!-- lines_of_jobs.py -->\n", "<!-- end -->\n")

_FOLDER = pathlib.Path(__file__).parent
_TRAINING = {"keras", "numpy", "pandas", "sklearn", "tensorflow", "torch", "trained", "twins"}
_HEADER = ("job", *LIBRARIES)


def table() -> str:
    """Returns the table in Markdown: a row for each job, and their sum."""
    found = {job: lines_of(job) for job in jobs()}
    rows: list[Sequence[str]] = [
        (f"`{job}`", *(f"[{lines}]({_script(job, library).relative_to(_FOLDER)})" for library, lines in row.items()))
        for job, row in found.items()
    ]
    sums = [str(sum(row[library] for row in found.values())) for library in LIBRARIES]
    return markdown_table(_HEADER, [*rows, ("all six", *sums)])


def jobs() -> list[str]:
    """Returns the names of the jobs."""
    return sorted(path.stem for path in (_FOLDER / "jobs").glob("*.py"))


def lines_of(job: str) -> dict[str, int]:
    """Returns the number of lines that explain a job, by the libraries' names."""
    return {library: len(explaining(_script(job, library).read_text("utf-8"))) for library in LIBRARIES}


def explaining(script: str) -> list[str]:
    """Returns the lines of a script that are counted."""
    paragraphs = script.split("\n\n")
    last = max(n for n, text in enumerate(paragraphs) if "model.fit(" in text or "trained(" in text)
    explains = "\n\n".join(paragraphs[last + 1 :])
    code = [line for line in explains.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [*_imports(script, explains), *code]


def _script(job: str, library: str) -> pathlib.Path:
    if library == "deepexplain_tf":
        return _FOLDER / "jobs" / f"{job}.py"
    return _FOLDER / "jobs_elsewhere" / f"{job}_{library}.py"


def _imports(script: str, explains: str) -> Iterator[str]:
    """Yields the lines of the imports that a part of a script uses, without those that training needs anyway."""
    lines, used = script.splitlines(), {node.id for node in ast.walk(ast.parse(explains)) if isinstance(node, ast.Name)}
    for node in ast.parse(script).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        if names & used and not {module.partition(".")[0] for module in modules} <= _TRAINING:
            yield from lines[node.lineno - 1 : node.end_lineno]


def renewed(page: str) -> str:
    """Returns a page with the table of today between its marks."""
    before, after = page.partition(MARKS[0])[0], page.partition(MARKS[1])[2]
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}"


def main(argv: list[str]) -> None:
    """Prints the table, and writes it."""
    del argv
    print(table(), end="")
    if _PAGE.value:
        write(_PAGE.value, renewed(pathlib.Path(_PAGE.value).read_text("utf-8")))


if __name__ == "__main__":
    app.run(main)
