"""The parts of a page in Markdown that all reproductions have."""

from collections.abc import Mapping, Sequence
import os
from typing import Any

import numpy as np

from deepexplain_tf.writing.table import render, scientific
from reproductions.findings import Verdict
from results import listed_versions, markdown_table


def findings_section(
    verdicts: Sequence[Verdict[Any]], titles: Mapping[str, str], units: str = "nets", seeds: Sequence[int] = ()
) -> str:
    """Returns the section with each finding's verdict over all nets, and the numbers of each net.

    Args:
      verdicts: the verdicts on all findings.
      titles: kind of nets → its name.
      units: what a number belongs to.
      seeds: the seeds of the nets, in the order of the numbers.
    """
    short, long, criteria = [], [], ""
    for finding in dict.fromkeys(verdict.finding for verdict in verdicts):
        judged = [verdict for verdict in verdicts if verdict.finding is finding]
        holding, count = sum(verdict.holding for verdict in judged), sum(len(verdict.values) for verdict in judged)
        exceptions = [
            f"{titles[verdict.kind]}: {verdict}" for verdict in judged if verdict.holding < len(verdict.values)
        ]
        criteria += f"- {finding.name}: {finding.quantity}; {finding.limit}.\n"
        short.append([finding.name, finding.statement, f"{holding} of {count}", "; ".join(exceptions) or "none"])
        long += [
            [finding.name, titles[verdict.kind], listed(verdict.values), finding.limit, str(verdict)]
            for verdict in judged
        ]
    return (
        "## What the paper found, and whether it holds here\n\n"
        + table(["", "the paper", f"holds in {units}", "exceptions"], short)
        + "\nEach finding is judged by one number; its limit is a constant of the script"
        + (f". Trained nets have the seeds {', '.join(map(str, seeds))}, in this order" if seeds else "")
        + ":\n\n"
        + criteria
        + "\n"
        + table(["", "kind", "our numbers", "limit", "verdict"], long)
    )


def printed(verdicts: Sequence[Verdict[Any]], titles: Mapping[str, str]) -> str:
    """Returns the verdicts as a table for the terminal."""
    header = ["finding", "kind", "verdict", "limit", "our numbers"]
    rows = [
        [f"{v.finding.name} {v.finding.statement}", titles[v.kind], str(v), v.finding.limit, listed(v.values)]
        for v in verdicts
    ]
    return render(header, rows, left=len(header))


def machine(seconds: float) -> str:
    """Returns what the measurement took, and on what."""
    return f"All in all {seconds:.0f} seconds on {os.cpu_count()} processors; {listed_versions()}.\n"


def listed(values: Sequence[float]) -> str:
    """Returns numbers as text."""
    return ", ".join(map(number, values))


def number(value: float) -> str:
    """Returns a number as text."""
    if not np.isfinite(value):
        return str(value)
    if abs(value) >= 10:
        return f"{value:.4g}"
    return scientific(value) if 0 < abs(value) < 1e-3 else f"{value:.4f}" if value else "0"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table in Markdown, flush left."""
    return markdown_table(header, rows, left=len(header))
