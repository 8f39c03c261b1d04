"""What the scripts of `examples/jobs/` have trained, for the scripts beside this file that explain it otherwise."""

import pathlib
from typing import Any

_JOBS = pathlib.Path(__file__).parent.with_name("jobs")


def trained(job: str) -> dict[str, Any]:
    """Returns all that the script of a job knows before its last paragraph explains: data and model, by their names."""
    training, _, _ = (_JOBS / f"{job}.py").read_text("utf-8").rpartition("\n\n")
    found: dict[str, Any] = {}
    exec(compile(training, f"{job}.py", "exec"), found)
    return found
