"""With which releases of TensorFlow and Keras do the tests pass?

    python examples/versions.py --out=examples/versions.md
    python examples/versions.py --versions=2.20.0+3.12.4 --folder=environments --keep \
        --pytest_args="tests/rules/ops_test.py -m ''"

makes a new virtual environment for each pair, installs this repository with what its tests need, runs them there, and
prints and writes a table.
"""

from collections.abc import Mapping, Sequence
import json
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any
import xml.etree.ElementTree as ElementTree

from absl import app, flags

# Newest patches, each with a Keras of its time.
_PAIRS = ["2.18.1+3.8.0", "2.19.1+3.11.3", "2.20.0+3.12.4", "2.21.0+3.15.1"]
_VERSIONS = flags.DEFINE_list("versions", _PAIRS, "Pairs of releases, TensorFlow+Keras.")
_FOLDER = flags.DEFINE_string("folder", None, "Where the environments are made; a temporary folder by default.")
_KEEP = flags.DEFINE_bool("keep", False, "Whether the environments in --folder stay, and are used where they exist.")
_ARGUMENTS = flags.DEFINE_string("pytest_args", "", "More arguments of pytest, as in a shell.")
_WORKERS = flags.DEFINE_string("workers", "auto", "The processes that share the tests, as pytest's -n.")
_OUT = flags.DEFINE_string("out", None, "The markdown file to write.")

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_HEADER = ("TensorFlow", "Keras", "Python", "NumPy", "JAX", "passed", "failed", "skipped", "minutes")
_TOLD = """
import importlib.util, json, platform
from importlib.metadata import version
packages = ("tensorflow", "keras", "numpy", "jax")
found = {name: version(name) if importlib.util.find_spec(name) else "–" for name in packages}
print(json.dumps({**found, "python": platform.python_version()}))
"""


def counts(report: str) -> dict[str, int]:
    """Returns how many tests a JUnit report has that passed, failed (errors included) and were skipped."""
    suites = list(ElementTree.fromstring(report).iter("testsuite"))
    total, skipped, *wrong = (
        sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "skipped", "failures", "errors")
    )
    return {"passed": total - skipped - sum(wrong), "failed": sum(wrong), "skipped": skipped}


def row(versions: Mapping[str, str], found: Mapping[str, int], seconds: float) -> list[str]:
    """Returns the cells of a pair."""
    told = [versions[name] for name in ("tensorflow", "keras", "python", "numpy", "jax")]
    return [*told, *(str(found[name]) for name in ("passed", "failed", "skipped")), f"{seconds / 60:.1f}"]


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Returns the table."""
    lines = [_HEADER, ["---"] * 5 + ["--:"] * 4, *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _environment(folder: pathlib.Path, tensorflow: str, keras: str) -> pathlib.Path:
    """Makes a virtual environment; returns its Python."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", f"tensorflow=={tensorflow}", f"keras=={keras}"]
    subprocess.run([*install, "-e", f"{_ROOT}[demo,test]"], check=True)
    return python


def _run(python: pathlib.Path, report: pathlib.Path) -> list[str]:
    """Runs the tests in an environment; returns the cells of its row."""
    told: Any = json.loads(subprocess.run([python, "-c", _TOLD], capture_output=True, check=True).stdout)
    command = [str(python), "-m", "pytest", "-n", _WORKERS.value, "--dist", "worksteal", f"--junitxml={report}"]
    start = time.perf_counter()
    subprocess.run([*command, *shlex.split(_ARGUMENTS.value)], cwd=_ROOT, check=False)
    return row(told, counts(report.read_text("utf-8")), time.perf_counter() - start)


def main(argv: Sequence[str]) -> None:
    """Runs all pairs, prints and writes the table."""
    del argv
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(_FOLDER.value or temporary).absolute()
        for pair in _VERSIONS.value:
            tensorflow, _, keras = pair.partition("+")
            folder = root / f"tensorflow-{tensorflow}-keras-{keras}"
            try:
                rows.append(_run(_environment(folder, tensorflow, keras), pathlib.Path(temporary) / "report.xml"))
            finally:
                if not _KEEP.value:
                    shutil.rmtree(folder, ignore_errors=True)
            print(markdown(rows), flush=True)
            if _OUT.value:
                pathlib.Path(_OUT.value).write_text(_TITLE + markdown(rows), "utf-8")


_TITLE = """# The tests with four releases of TensorFlow

The test suite as the README runs it, with each release in a virtual environment of its own. This was made by

```bash
python examples/versions.py --out=examples/versions.md
```

Tests are skipped, with the reason, where a package that they need is not installed or the release has no such function.

"""

if __name__ == "__main__":
    app.run(main)
