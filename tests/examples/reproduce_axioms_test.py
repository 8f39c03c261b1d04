import pytest

from axioms.axioms import axioms
from axioms.verdicts import judge
from tests.examples.scripts import run

_AXIOMS = {axiom.name: axiom for axiom in axioms()}


@pytest.mark.parametrize(
    ("method", "axiom", "holds"),
    [
        ("gradient_x_input", "Sensitivity (a)", False),
        ("deeplift", "Implementation invariance", False),
        ("shapley_sampling", "Completeness", True),
    ],
)
def test_what_the_paper_says(method, axiom, holds):
    found = judge(method, _AXIOMS[axiom], quick=True)
    assert found.holds == holds
    assert (found.distance < 1e-9) == holds


@pytest.mark.long  # a minute
def test_the_table(tmp_path):
    page = tmp_path / "axioms.md"
    lines = run("reproduce_axioms.py", "--quick", "--methods=deeplift,saliency", f"--page={page}").splitlines()
    assert lines[0].split()[0] == "method" and lines[-1].endswith("the same")
    text = page.read_text()
    assert text.count("✓") + text.count("✗") == 12
    assert "- `saliency`, at x = (2, 0, 0, 0)" in text
