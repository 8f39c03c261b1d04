"""Tests of `examples/jobs/`: each script is short, runs, and draws what its docstring says."""

import pathlib
import re
import runpy

import keras
import numpy as np
from PIL import Image
import pytest

JOBS = sorted(pathlib.Path("examples/jobs").resolve().glob("*.py"))
_AT_LENGTH = ("dna_motif", "forecast", "two_answers")  # more training; the others train, explain and draw too


@pytest.fixture(autouse=True)
def _seeds_as_before():
    yield
    keras.utils.clear_session(free_memory=False)


def _run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (job,) = [job for job in JOBS if job.stem == name]
    return runpy.run_path(str(job))


def test_there_are_six_in_at_most_25_lines():
    assert len(JOBS) == 6
    assert all(len(job.read_text().splitlines()) <= 25 for job in JOBS)


@pytest.mark.filterwarnings("ignore:The structure of `inputs` doesn't match:UserWarning")  # Keras, of a FeatureSpace
@pytest.mark.parametrize(
    "job", [pytest.param(job, marks=[pytest.mark.long] * (job.stem in _AT_LENGTH), id=job.stem) for job in JOBS]
)
def test_a_job_draws_its_pictures(job, tmp_path, monkeypatch):
    found = _run(job.stem, tmp_path, monkeypatch)
    promised = re.findall(r"\w+\.png", found["__doc__"])
    assert promised and sorted(path.name for path in tmp_path.iterdir()) == sorted(promised)
    for path in tmp_path.iterdir():
        assert np.asarray(Image.open(path)).std() > 10
    _CLAIMS[job.stem](found)


def _misread(found):
    assert found["read"][found["wrong"]] != found["labels"][found["wrong"]]


def _words(found):
    scores = dict(zip(found["e"].tokens[0], found["e"].attributions[0], strict=True))
    assert max(scores, key=scores.get) == "lovely" and min(scores, key=scores.get) == "awful"


def _census(found):
    frame = found["e"].attributions
    nurses = found["table"]["job"][:100] == "nurse"
    assert frame["job"][nurses].min() > frame["job"][~nurses].max()


def _forecast(found):
    assert found["e"].attributions.shape == (1, 48, 2)


def _motif(found):
    scores = found["e"].attributions[0].sum(-1)
    (start,) = [at for at in range(55) if "".join("ACGT"[n] for n in found["letters"][-1][at : at + 6]) == "GATAAG"]
    assert scores[start : start + 6].sum() > 0.5 * np.abs(scores).sum()


def _answers(found):
    assert set(found["maps"]) == {"digit", "even"}


_CLAIMS = {
    "census_row": _census,
    "dna_motif": _motif,
    "forecast": _forecast,
    "misread_digit": _misread,
    "review_words": _words,
    "two_answers": _answers,
}
