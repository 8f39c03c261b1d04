"""The tutorials of `docs/tutorials/`: notebooks without outputs, whose code runs and shows what the text says.

The build of the documentation runs them too, in a kernel of Jupyter, so that here running them is `long`.
"""

import ast
import json
import pathlib
import re
from typing import Any

import matplotlib
import numpy as np
import pytest

from tests.pages import links, run

_FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "tutorials"
_NOTEBOOKS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(_FOLDER.glob("*.ipynb"))}
_WIDTH = 90  # characters of a line of code that a page of the documentation shows without scrolling


def _sources(name: str, kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in _NOTEBOOKS[name]["cells"] if cell["cell_type"] == kind]


def _run(name: str) -> dict[str, Any]:
    """Returns the names that a notebook has defined at its end."""
    names: dict[str, Any] = {"__name__": name}
    with matplotlib.rc_context({"backend": "agg"}):
        for source in _sources(name, "code"):
            run(source, names)
    return names


def test_they_are_in_the_contents():
    index = (_FOLDER.parent / "index.md").read_text("utf-8")
    assert set(re.findall(r"^tutorials/(\w+)$", index, re.MULTILINE)) == {*_NOTEBOOKS}


@pytest.mark.parametrize("name", _NOTEBOOKS)
class TestStructure:
    def test_it_is_a_notebook_of_python(self, name):
        notebook = _NOTEBOOKS[name]
        assert {*notebook} == {"cells", "metadata", "nbformat", "nbformat_minor"}
        assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
        assert notebook["metadata"]["kernelspec"]["name"] == "python3"
        ids = [cell["id"] for cell in notebook["cells"]]
        assert all(re.fullmatch(r"[\w-]{1,64}", one) for one in ids)
        assert len({*ids}) == len(ids)
        assert {cell["cell_type"] for cell in notebook["cells"]} == {"markdown", "code"}

    def test_it_has_no_outputs(self, name):
        for cell in _NOTEBOOKS[name]["cells"]:
            assert cell["metadata"] == {}
            assert {*cell} - {"cell_type", "id", "metadata", "source"} <= {"execution_count", "outputs"}
            assert cell.get("outputs", []) == []
            assert cell.get("execution_count") is None

    def test_code_parses_and_fits_the_page(self, name):
        for source in _sources(name, "code"):
            assert ast.parse(source).body
            assert max(map(len, source.splitlines())) <= _WIDTH

    def test_it_teaches(self, name):
        text = "\n".join(_sources(name, "markdown"))
        assert text.startswith("# ")
        assert "## What goes wrong" in text
        assert "## What to take along" in text
        assert len(_sources(name, "markdown")) >= len(_sources(name, "code")) - 1  # text between code

    def test_linked_pages_exist(self, name):
        paths = [path for text in _sources(name, "markdown") for path in links(text)]
        assert paths
        assert all((_FOLDER / path).exists() for path in paths)


@pytest.mark.long
def test_what_pictures_say():
    names = _run("pictures")
    digit, first, of_mean, of_threes = (names[name] for name in ("digit", "first", "of_mean", "of_threes"))
    assert names["probabilities"][names["misread"]].argmax() == 8
    baselines = {"black": 0.0, "mean digit": names["mean"]}
    report = names["dx"].metrics.baseline_report(names["an_eight"], names["one"], baselines)
    assert report.baselines["mean digit"].outputs[0] > 0.5  # an 8
    assert not any(text.startswith("black is not neutral") for text in report.warnings)
    assert of_mean.attributions.sum() < 0 < first.attributions.sum()
    assert of_mean.baseline_outputs[0] > of_mean.outputs[0]
    paper = digit < 0.2
    assert not first.attributions[0][digit == 0].any()
    assert of_threes.attributions[0][paper].max() > 0.5 * of_threes.attributions.max()
    assert first.attributions[0][paper].max() < 0.1 * first.attributions.max()
    for name in ("integrated_gradients", "deeplift"):
        assert abs(names["found"][name].completeness_gap[0]) < 0.02
    assert np.asarray(names["model"](names["repaired"](names["order"][:8])[np.newaxis]))[0].argmax() == 3
    assert names["scores"][0] > names["scores"][1] + 0.3
    summary = names["comparison"].summary()
    assert summary.standings[-1].method == "guided_backprop"
    assert any(text.startswith("guided_backprop hardly depends") for text in summary.warnings)


@pytest.mark.long
def test_what_texts_say():
    names = _run("texts")
    assert names["right_aside"] > 0.9
    assert names["right"] < 0.6 < 0.7 < names["right_mended"] < 0.85
    means = names["of_words"]["mean"]
    assert (means.idxmax(), means.idxmin()) == ("filmhaus", "home")
    verdicts = means[[*names["good"], *names["bad"], "not"]]
    assert verdicts.abs().max() < 0.3 * means["filmhaus"]
    harmless, padding = names["of_blame"], names["dx"].text.explain(names["model"], names["blame"])
    assert harmless.baseline_outputs[0] < -2
    assert abs(padding.baseline_outputs[0]) < 1
    assert abs(harmless.attributions.sum(1).mean()) < 0.2 * abs(padding.attributions.sum(1).mean())
    assert names["taken"] > 0.9
    assert np.abs(names["few"].completeness_gap).max() < 1e-4 < np.abs(padding.completeness_gap).max()


@pytest.mark.long
def test_what_tables_say():
    names = _run("tables")
    risks = names["dx"].metrics.baseline_report(names["risk"], names["patients"].to_numpy(), names["baselines"])
    zeros, mean, median = (risks.baselines[name] for name in ("zeros", "mean row", "median row"))
    assert zeros.outputs[0] < 1e-6
    assert mean.outputs[0] > 0.5 > median.outputs[0] > 1e-3
    assert np.median(zeros.distance) > max(np.median(mean.distance), np.median(median.distance))
    of_zeros = names["of_zeros"]
    assert of_zeros.baseline_outputs[0] < -10
    assert (of_zeros.to_frame().iloc[0] > 0).sum() >= 7
    assert np.abs(names["e"].completeness_gap).max() < 1e-4
    spread = names["sums"].std(0) / np.abs(names["sums"].mean(0))
    assert spread[0] > 2 * spread[-1]  # radius alone, and size together
    assert names["difference"] < 1e-4
