import csv
import json
import os
import sys

import keras
import numpy as np
import pytest

import deepexplain_tf as dx
from deepexplain_tf.cli import main as cli

X = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
FILES = ["results.csv", "results.json", "sensitivity_n.png"]
QUICK = ["--methods=deeplift,integrated_gradients", "--metrics=sensitivity_n,completeness", "--subsets=10", "--seed=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv1D(3, 2, activation="tanh"), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((4, 2)), *layers]).save(folder / "model.keras")
    np.save(folder / "x.npy", X)
    np.save(folder / "groups.npy", np.arange(8).reshape(4, 2) // 2)
    np.save(folder / "few.npy", X[:, :3])
    return folder


def _evaluate(folder, out, *flags, data="x.npy"):
    return cli.main(
        ["evaluate", f"--model={folder / 'model.keras'}", f"--input={folder / data}", f"--out={out}", *flags]
    )


def test_prints_and_writes_what_compare_finds(folder, tmp_path, capsys):
    flags = [
        "--option=integrated_gradients.n_steps=5",
        f"--groups={folder / 'groups.npy'}",
        "--baseline=0.1",
        "--target=1",
    ]
    assert _evaluate(folder, tmp_path / "out", *QUICK, *flags) == 0
    expected = dx.compare(
        keras.models.load_model(folder / "model.keras"),
        X,
        methods=["deeplift", ("integrated_gradients", {"n_steps": 5})],
        metrics=[("sensitivity_n", {"subsets": 10}), "completeness"],
        groups="positions",
        baseline=0.1,
        target=1,
        seed=2,
    )
    out = capsys.readouterr().out
    assert str(expected) in out
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    assert all(f"wrote {tmp_path / 'out' / name}" in out for name in FILES)
    read = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["mean"] for row in read["rows"]] == [row.mean for row in expected.rows]
    assert (read["seed"], read["target"], read["baseline"]) == (2, 1, 0.1)
    with open(tmp_path / "out" / "results.csv", newline="") as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [row.mean for row in expected.rows]


def test_without_matplotlib_and_over_older_results(folder, tmp_path, capsys, monkeypatch):
    (tmp_path / "sensitivity_n.png").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    flags = ["--methods=saliency", "--metrics=sensitivity_n", "--subsets=5", "--overwrite"]
    assert _evaluate(folder, tmp_path, *flags) == 0
    assert sorted(os.listdir(tmp_path)) == ["mine.txt", *FILES[:2]]
    assert "no sensitivity_n.png: the figure needs matplotlib: pip install" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "words", "code"),
    [
        (["--methods=deplift"], "closest: 'deeplift'", 1),
        (["--metrics=deletions"], "closest: 'deletion'", 1),
        (["--subsets=1"], "subsets must be a whole number ≥ 2. Got 1", 1),
        (["--option=sensitivity_n.n=[1,8]"], "in 1 … 7, as there are 8 features", 1),
        (["--option=deeplift.n_steps=3"], "n_steps", 1),
        (["--groups=pixels"], "groups must be", 1),
        (["--target=2"], "Got 2", 1),
        (["--baseline=none.npy"], "none.npy", 1),
        (["--layer=dens"], "closest:", 1),
        (["--subsets=few"], "subsets=few", 2),
        (["--subset=5"], "Unknown command line flag 'subset'", 2),
        (["--subsets=5", "--metrics=deletion"], "--subsets is for", 2),
        (["--subsets=5", "--option=sensitivity_n.subsets=4"], "given twice", 2),
        (["--option=n_steps=3"], "--option must be NAME.option=value", 2),
        (["--option=occlusion.window_shape=(1,1)"], "--option names a method or metric", 2),
        (["--target=cat"], "--target must be", 2),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing(folder, tmp_path, capsys, flags, words, code):
    assert _evaluate(folder, tmp_path / "out", *flags) == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "deepexplain: error: " in error
    assert words in error
    assert os.listdir(tmp_path) == []


def test_inputs_of_another_shape(folder, tmp_path, capsys):
    assert _evaluate(folder, tmp_path / "out", data="few.npy") == 1
    assert "must have shape" in capsys.readouterr().err
    assert _evaluate(folder, tmp_path / "out", data="none.npy") == 1
    assert "there is no file" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_results_that_are_there_stay(folder, tmp_path, capsys):
    (tmp_path / "results.json").write_text("old")
    assert _evaluate(folder, tmp_path, *QUICK) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert _evaluate(folder, tmp_path, "--methods=deplift", "--overwrite") == 1
    assert os.listdir(tmp_path) == ["results.json"]
    assert (tmp_path / "results.json").read_text() == "old"


def test_a_folder_that_cannot_be_made(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert _evaluate(folder, tmp_path / "file" / "out", *QUICK) == 1
    assert "file" in capsys.readouterr().err


def test_inputs_is_another_name_of_input(folder, tmp_path):
    flags = ["--methods=saliency", "--metrics=deletion", f"--out={tmp_path}"]
    assert cli.main(["evaluate", f"--model={folder / 'model.keras'}", f"--inputs={folder / 'x.npy'}", *flags]) == 0
    assert sorted(os.listdir(tmp_path)) == FILES[:2]
