import versions

_REPORT = """<?xml version="1.0"?><testsuites>
<testsuite name="a" errors="1" failures="2" skipped="3" tests="16"/><testsuite tests="4" errors="0" failures="0"/>
</testsuites>"""


def test_a_report_is_counted():
    assert versions.counts(_REPORT) == {"passed": 14, "failed": 3, "skipped": 3}
    assert versions.counts('<testsuite tests="2" skipped="1"/>') == {"passed": 1, "failed": 0, "skipped": 1}


def test_the_table_has_a_row_for_each_pair():
    told = {"tensorflow": "2.20.0", "keras": "3.12.4", "python": "3.11.7", "numpy": "2.1.3", "jax": "–"}
    row = versions.row(told, versions.counts(_REPORT), 90)
    assert row == ["2.20.0", "3.12.4", "3.11.7", "2.1.3", "–", "14", "3", "3", "1.5"]
    header, line, *rows = versions.markdown([row, row]).splitlines()
    assert header.startswith("| TensorFlow | Keras | Python | NumPy |") and header.endswith("| minutes |")
    assert line.count("|") == header.count("|") and rows == [f"| {' | '.join(row)} |"] * 2
