import importlib.util
import json

import pytest

from tests.examples.scripts import run


@pytest.mark.long  # tests/export/stablehlo_test.py runs programs of XLA in JAX too
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX, which runs the programs, is not installed")
def test_programs_run_elsewhere_as_in_tensorflow(tmp_path):
    out = tmp_path / "figures.json"
    run("path_on_gpu/export.py", "--quick", "--works=wide_mlp,lstm", "--chunks=16", f"--out={tmp_path / 'programs'}")
    run(
        "path_on_gpu/run.py",
        f"--programs={tmp_path / 'programs'}",
        "--repeats=1",
        "--precisions=float32",
        f"--out={out}",
    )
    rows = json.loads(out.read_text("utf-8"))["rows"]
    assert [row["work"] for row in rows] == ["lstm", "wide_mlp"]
    for row in rows:
        assert len(row["tried"]) >= 4
        assert all(0 < tried["difference"] < 1e-5 for tried in row["tried"]), row
