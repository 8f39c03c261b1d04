import json
import os
import pathlib
import subprocess
import sys

_ROOT = pathlib.Path(__file__).parents[2]


def _run(*flags):
    command = [sys.executable, _ROOT / "examples" / "benchmark.py", *flags]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_row_of_a_small_work(tmp_path):
    quick = f"--flagfile={_ROOT / 'configs' / 'benchmark_quick.cfg'}"
    out = tmp_path / "benchmark.json"
    done = _run(quick, "--works=tabular_mlp", "--measures=memory", "--peers=saliency", f"--out={out}")
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["benchmark.json"]
    (row,) = json.loads(out.read_text("utf-8"))["rows"]
    assert (row["work"], row["inputs"], row["steps"], row["floor"]) == ("tabular_mlp", "16×200", 40, "plain, 16")
    figures = row["figures"]
    assert 0 < figures["difference"] <= 1e-5, "no difference at all: one side was compared with itself"
    assert figures["difference 64"] <= 1e-10
    assert min(figures["ours ms"], figures["floor ms"], figures["ratio"]) > 0
    assert row["reached"] == {}, "the limits are meant for full size"
    assert ("memory ratio" in figures) == pathlib.Path("/proc/self/clear_refs").exists()
    header, _, line = done.stdout.split("\n\n")[1].splitlines()[:3]
    assert header.split()[:4] == ["work", "inputs", "·", "steps"]
    assert line.split()[:4] == ["tabular_mlp", "16×200", "·", "40"]
    assert [peer["peer"] for peer in row["peers"]] == ["saliency"]
