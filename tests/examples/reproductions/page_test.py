import pytest

from reproductions import page
from reproductions.findings import Finding, judge


def test_a_section_counts_what_holds():
    low = Finding("1", "it is low", "the number", lambda net: net, ("a", "b"), most=2)
    high = Finding("2", "it is high", "the number", lambda net: net, ("b",), least=2)
    verdicts = judge([low, high], {"a": [1.0, 3.0, 2.0], "b": [5.0], "unused": [1.0]})
    assert [str(verdict) for verdict in verdicts] == ["holds in 2 of 3", "does not hold", "holds"]
    text = page.findings_section(verdicts, {"a": "A", "b": "B"})
    assert "| 1 | it is low | 2 of 4 | A: holds in 2 of 3; B: does not hold |" in text
    assert "| 2 | it is high | 1 of 1 | none |" in text
    assert "| 1 | A | 1.0000, 3.0000, 2.0000 | ≤ 2 | holds in 2 of 3 |" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-5, "1.0e-05"), (0.5, "0.5000"), (float("inf"), "inf"), (-0.25, "-0.2500"), (75.0, "75")],
)
def test_numbers_are_readable(value, text):
    assert page.number(value) == text
