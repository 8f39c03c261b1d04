"""The tables of the benchmark, for the terminal and as Markdown."""

from collections.abc import Iterator, Sequence
import os
from typing import Any

from benchmark_works.row import FIGURES, Row, shown
from deepexplain_tf.writing.table import render
from results import listed_versions, markdown_table

_GRADIENTS = ("ours ms", "plain ms", "XLA ms", "plain ratio", "XLA ratio")
_PEERS = ("ours ms", "peer ms", "ratio", "difference")
Table = tuple[str, list[str], list[list[str]], int]  # title, header, cells, columns that are flush left


def print_tables(rows: Sequence[Row]) -> None:
    """Prints the tables."""
    for _, header, cells, left in _tables(rows):
        print("\n" + render(header, cells, left=left))
    for line in _absent(rows):
        print(line)


def report(rows: Sequence[Row]) -> str:
    """Returns the tables as a page."""
    found = listed_versions()
    about = f"""# Benchmark

`python examples/benchmark.py --flagfile=configs/benchmark.cfg` made these tables in one run, with {found}, on
{os.cpu_count()} processors. `examples/benchmark.py` says what the columns mean; the file of its flag `--out` has all
figures.
"""
    parts = [
        f"## {title}\n\n{markdown_table(header, cells, left=left)}" for title, header, cells, left in _tables(rows)
    ]
    absent = "".join(f"- {line}\n" for line in _absent(rows))
    return "\n".join([about, *parts, *([absent] if absent else [])])


def _tables(rows: Sequence[Row]) -> Iterator[Table]:
    names = [name for name in FIGURES if any(name in row.figures for row in rows)]
    header = ["work", "inputs · steps", "floor", *names, "reached"]
    yield "Integrated Gradients beside its bare gradients", header, [row.cells(names) for row in rows], 3
    gradients = [line for row in rows for line in row.gradients]
    if gradients:
        names = [name for name in _GRADIENTS if any(name in line for line in gradients)]
        cells = [[*_cells(line, ("work", "method"), names), _reached(line)] for line in gradients]
        yield "One backward pass beside one gradient", ["work", "method", *names, "reached"], cells, 2
    peers = [{"work": row.work, **peer} for row in rows for peer in row.peers if "ratio" in peer]
    if peers:
        cells = [_cells(line, ("work", "peer"), _PEERS) for line in peers]
        yield "Integrated Gradients beside other libraries", ["work", "peer", *_PEERS], cells, 2


def _cells(line: dict[str, Any], texts: Sequence[str], names: Sequence[str]) -> list[str]:
    return [*(line[name] for name in texts), *(shown(name, line.get(name)) for name in names)]


def _reached(line: dict[str, Any]) -> str:
    return f"plain ratio ≤ {line['limit']:g}: {'yes' if line['reached'] else 'no'}" if "limit" in line else ""


def _absent(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        for peer in row.peers:
            if "missing" in peer:
                yield f"{row.work}: {peer['peer']} did not run: {peer['missing']}"
