import json
import os
import pathlib

import pytest

from tests.examples.scripts import quick_configuration, run


@pytest.mark.long  # timings, in a process of its own
@pytest.mark.parametrize("measures", ["", "memory"])
def test_row_of_a_small_work(tmp_path, measures):
    out = tmp_path / "benchmark.json"
    flags = ("--works=tabular_mlp", f"--measures={measures}", "--peers=saliency", f"--out={out}")
    printed = run("benchmark.py", quick_configuration("benchmark"), *flags)
    assert os.listdir(tmp_path) == ["benchmark.json"]
    (row,) = json.loads(out.read_text("utf-8"))["rows"]
    assert (row["work"], row["inputs"], row["steps"], row["floor"]) == ("tabular_mlp", "16×200", 40, "plain, 16")
    figures = row["figures"]
    assert 0 < figures["difference"] <= 1e-5, "no difference at all: one side was compared with itself"
    assert figures["difference 64"] <= 1e-10
    assert min(figures["ours ms"], figures["floor ms"], figures["ratio"]) > 0
    assert row["reached"] == {}, "the limits are meant for full size"
    assert ("memory ratio" in figures) == bool(measures and pathlib.Path("/proc/self/clear_refs").exists())
    header, _, line = printed.split("\n\n")[1].splitlines()[:3]
    assert header.split()[:4] == ["work", "inputs", "·", "steps"]
    assert line.split()[:4] == ["tabular_mlp", "16×200", "·", "40"]
    assert [peer["peer"] for peer in row["peers"]] == ["saliency"]
