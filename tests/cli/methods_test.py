import pytest

import deepexplain_tf as dx
from deepexplain_tf.cli import main as cli


def test_the_table_has_every_method(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    assert cli.main(["methods"]) == 0
    head, _, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["method", "complete", "takes", "evaluations", "formula"]
    assert [row.split()[0] for row in rows] == dx.list_methods()
    assert max(map(len, rows)) == 100
    cells = {row.split()[0]: [cell for cell in row.split("  ") if cell] for row in rows}
    assert [cell.strip() for cell in cells["deeplift"][1:4]] == ["yes", "baseline, background", "1"]
    assert [cell.strip() for cell in cells["lrp"][1:4]] == ["but for biases", "–", "1"]
    assert [cell.strip() for cell in cells["lime"][1:4]] == ["–", "baseline", "1,000"]
    assert cells["occlusion"][3].strip() == "many"
    assert cells["hires_cam"][4].strip() == "ReLU(Σ_c ∂F/∂A_c·A_c) at e…"


@pytest.mark.parametrize("arguments", [["ig"], ["--name=integrated_gradients"]])
def test_a_method_has_its_page(arguments, capsys):
    assert cli.main(["methods", *arguments]) == 0
    assert capsys.readouterr().out == f"{dx.describe('integrated_gradients')}\n"


def test_an_unknown_name_lists_the_closest(capsys):
    assert cli.main(["methods", "deeplfit"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].endswith("unknown method, metric or rule 'deeplfit'; closest: 'deeplift'.")
