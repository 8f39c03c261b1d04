"""Tests of `examples/lines_of_jobs.py` and, marked `peers`, of the scripts that it counts.

pytest -m peers tests/examples/lines_of_jobs_test.py

needs captum and shap, logomaker for letters and IPython for shap's words.
"""

import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
from PIL import Image
import pytest

import lines_of_jobs as script

_EXAMPLES = pathlib.Path(script.__file__).parent
_BOTH = pathlib.Path(__file__).with_name("said_by_both.py")
_SAMPLED = {"dna_motif_shap", "forecast_shap"}


def test_the_table_is_that_of_the_scripts():
    page = (_EXAMPLES / "jobs.md").read_text("utf-8")
    assert script.renewed(page) == page, "python examples/lines_of_jobs.py --page=examples/jobs.md writes it anew"
    assert len(script.jobs()) == 6


@pytest.mark.parametrize("job", script.jobs())
def test_no_other_library_takes_fewer_lines(job):
    ours, *others = script.lines_of(job).values()
    assert ours <= min(others)


def test_what_is_counted():
    text = '''"""A script."""

import os
from a import b, c
import numpy as np
import shap as s

c(os)
model.fit(x)

# a comment

def f(x):
    return b(np, x)


s.g(
    f
)
'''
    counted = ["from a import b, c", "import shap as s", "def f(x):", "    return b(np, x)", "s.g(", "    f", ")"]
    assert script.explaining(text) == counted


@pytest.mark.parametrize("job", script.jobs())
def test_ours_explain_in_their_last_paragraph(job):
    """`jobs_elsewhere/trained.py` runs what goes before it."""
    text = (_EXAMPLES / "jobs" / f"{job}.py").read_text("utf-8")
    assert script.explaining(text)[1:] == text.rpartition("\n\n")[2].splitlines()


@pytest.mark.peers
@pytest.mark.parametrize("library", script.LIBRARIES[1:])
@pytest.mark.parametrize("job", script.jobs())
def test_they_say_the_same(job, library, tmp_path):
    for name in (library, "logomaker", "IPython"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MPLBACKEND": "agg"}
    command = [sys.executable, _BOTH, job, library]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    if f"{job}_{library}" in _SAMPLED:
        assert found["cosine"] > 0.999
    else:
        assert found["difference"] < 1e-5
    text = (_EXAMPLES / "jobs_elsewhere" / f"{job}_{library}.py").read_text("utf-8")
    promised = re.findall(r"\w+\.(?:png|html)", text.partition('"""\n')[0])
    assert promised and sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(promised)
    for path in map(tmp_path.joinpath, promised):
        if path.suffix == ".html":
            assert "rgba(255.0, 13.0, 87.0" in path.read_text() or "hsl(120, 75%, 50%)" in path.read_text()  # lovely
        else:
            assert np.asarray(Image.open(path)).std() > 10
