"""Every script whose findings are judged: its configurations, its page, and that it runs."""

import importlib
import pathlib
import re

import pytest

from tests.examples.scripts import ROOT

_AXIOMS = "reproduce_axioms"  # its page has another form
_NAMES = sorted({"roar", *(path.stem for path in (ROOT / "examples").glob("reproduce_*.py"))} - {_AXIOMS})


def _experiment(name):
    return importlib.import_module(name).EXPERIMENT


def _flags(name):
    """The flags of a configuration by name, and its comments."""
    lines = (ROOT / "configs" / f"{name}.cfg").read_text("utf-8").splitlines()
    given = dict(re.match(r"--(\w+)=?(.*)", line).groups() for line in lines if not line.startswith("#"))
    return given, [line for line in lines if line.startswith("#")]


@pytest.mark.parametrize("name", _NAMES)
def test_page_and_configurations_are_those_of_the_script(name):
    experiment = _experiment(name)
    given, comments = _flags(name)
    quick, quick_comments = _flags(f"{name}_quick")
    assert comments[0] == f"# python examples/{name}.py --flagfile=configs/{name}.cfg"
    assert quick_comments[0] == f"# python examples/{name}.py --flagfile=configs/{name}_quick.cfg"
    assert "quick" in quick and "quick" not in given
    text = (ROOT / given["page"]).read_text("utf-8")
    assert " ".join(text.split()).startswith(
        f"# {experiment.title} {' '.join(experiment.introduction.split())} ```bash"
    )
    assert f"```bash\npython examples/{name}.py --flagfile=configs/{name}.cfg\n```" in text
    for finding in experiment.findings:
        assert f"| {finding.name} | {finding.statement} |" in text
        assert f"- {finding.name}: {finding.quantity}; {finding.limit}.\n" in text
        for kind in finding.kinds:
            assert f"| {finding.name} | {experiment.titles[kind]} |" in text
    if "figure" in given:
        assert (ROOT / given["figure"]).is_file()
        assert f"]({pathlib.PurePath(given['figure']).relative_to('examples')})" in text


@pytest.mark.parametrize("name", _NAMES)
def test_findings_have_numbers_and_one_limit(name):
    findings = _experiment(name).findings
    assert len({finding.name for finding in findings}) == len(findings) > 0
    for finding in findings:
        assert (finding.least is None) != (finding.most is None)
        assert finding.kinds and "|" not in finding.statement and not finding.holds(float("nan"))


@pytest.mark.long  # a minute each; their parts have tests of their own
@pytest.mark.parametrize("name", [*_NAMES, _AXIOMS])
def test_it_runs_from_its_quick_configuration(name, quick_runs):
    given, _ = _flags(f"{name}_quick")
    written = {given[key] for key in ("page", "figure", "out") if key in given}
    assert {path.name for path in quick_runs(name).folder.iterdir()} == written
