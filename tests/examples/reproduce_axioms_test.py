import re

import pytest

from axioms.axioms import axioms
from axioms.claims import CLAIMS
from axioms.verdicts import judge
import deepexplain_tf as dx
from tests.examples.scripts import ROOT

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


def test_the_page_has_all_methods_and_what_the_paper_says():
    text = (ROOT / "examples" / "axioms.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|((?: [✓✗] \|)+)$", text, re.MULTILINE)
    assert [method for method, _ in rows] == dx.list_methods()
    assert {ticks.count("|") for _, ticks in rows} == {len(_AXIOMS)}
    for name, axiom in _AXIOMS.items():
        assert f"\n### {name}\n\n{axiom.asks}\n" in text
    assert text.count("| the same |") == len(CLAIMS) and "| the contrary |" not in text


@pytest.mark.long  # a minute
def test_the_table(quick_runs):
    made = quick_runs("reproduce_axioms")
    lines = made.printed.splitlines()
    assert lines[0].split()[0] == "method" and lines[-1].endswith("the same")
    assert made.page.count("✓") + made.page.count("✗") == 8 * 6
    assert "- `saliency`, at x = (2, 0, 0, 0)" in made.page
