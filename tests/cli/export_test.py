import json
import os

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.cli import main as cli
from deepexplain_tf.export import stablehlo
from tests.models import STRUCTURES, mlp


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    mlp().save(folder / "net.keras")
    STRUCTURES["tokens_with_a_mask"].build().save(folder / "text.keras")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32))
    return folder


def _export(folder, out, *flags, model="net.keras"):
    return cli.main(["export", f"--model={folder / model}", f"--out={out}", *flags])


def _described(path):
    return json.loads(path.read_text("utf-8"))


def test_numbers_are_those_of_the_library(folder, tmp_path, capsys):
    flags = ["--method=ig", "--option=n_steps=8", "--target=1", "--baseline=0.5", "--version=3"]
    assert _export(folder, tmp_path / "served", *flags) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'served' / '3'}\n"
    assert os.listdir(tmp_path / "served") == ["3"]
    x = np.load(folder / "x.npy")
    found = tf.saved_model.load(tmp_path / "served" / "3").signatures["serving_default"](features=tf.constant(x))
    with dx.DeepExplain(mlp()) as de:
        e = de.explain("ig", x, n_steps=8, target=1, baseline=0.5)
    np.testing.assert_allclose(found["attributions"], e.attributions, rtol=1e-5, atol=1e-6)


def test_settings_reach_the_explainer(folder, tmp_path):
    flags = ["--method=deeplift", "--layer=embedding", "--output=model", "--target=predicted", "--jit"]
    flags.append("--noise=smoothgrad,stdev=20%,n_samples=3")
    assert _export(folder, tmp_path / "out", *flags, model="text.keras") == 0
    told = _described(tmp_path / "out" / "assets" / "explainer.json")
    assert (told["settings"]["layer"], told["settings"]["output"]) == ("embedding", "model")
    assert told["settings"]["jit_compile"] is True and told["xla"] is True
    assert told["fixed"] == {"target": None}
    assert told["options"]["noise"] == {"kind": "smoothgrad", "stdev": "20%", "n_samples": 3, "seed": None}
    assert told["signatures"]["explain"]["inputs"]["baseline"]["shape"] == [None, 3, 4]
    assert "target" not in told["signatures"]["explain"]["inputs"]


@pytest.mark.skipif(not stablehlo.is_available(), reason="this TensorFlow does not write StableHLO; 2.19 does")
def test_stablehlo(folder, tmp_path):
    flags = ["--method=deeplift", "--format=stablehlo", f"--input={folder / 'x.npy'}", "--weights=arguments"]
    assert _export(folder, tmp_path / "out", *flags) == 0
    assert sorted(os.listdir(tmp_path / "out")) == ["explainer.json", "explainer.mlir", "weights.npz"]
    parameters = _described(tmp_path / "out" / "explainer.json")["parameters"]
    assert [p["name"] for p in parameters[:3]] == ["features", "target", "baseline"]
    assert parameters[0]["shape"] == [2, 4]


def test_a_tensorflow_that_does_not_write_stablehlo(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(stablehlo, "is_available", lambda: False)
    flags = ["--method=deeplift", "--format=stablehlo", f"--input={folder / 'x.npy'}"]
    assert _export(folder, tmp_path / "out", *flags) == 1
    assert "2.19 or newer" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_an_older_export_is_replaced_on_request_alone(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert _export(folder, out, "--method=saliency") == 0
    assert _export(folder, out, "--method=deeplift") == 1
    assert "overwrite" in capsys.readouterr().err
    assert _described(out / "assets" / "explainer.json")["method"] == "saliency"
    assert _export(folder, out, "--method=deeplift", "--overwrite") == 0
    assert _described(out / "assets" / "explainer.json")["method"] == "deeplift"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("flags", "words", "code"),
    [
        (["--method=deplift"], "closest: 'deeplift'", 1),
        (["--method=ig", "--option=tolerance=0.1"], "not exported", 1),
        (["--method=deeplift", "--option=n_steps=3"], "belongs to", 1),
        (["--method=deeplift", "--layer=hiden"], "closest: 'hidden'", 1),
        (["--method=deeplift", "--target=5"], "Got 5", 1),
        (["--method=deeplift", "--target=0,1"], "one target for all examples", 1),
        (["--method=deeplift", "--version=-1"], "version must be", 1),
        (["--method=deeplift", "--target=cat"], "--target must be", 2),
        (["--method=deeplift", "--format=onnx"], "format", 2),
        (["--method=deeplift", "--format=stablehlo"], "needs --input", 2),
        (["--method=deeplift", "--weights=constants"], "are for --format=stablehlo", 2),
        (["--method=deeplift", "--baseline=none.npy"], "none.npy", 1),
        ([], "export needs --method", 2),
    ],
)
def test_a_refusal_is_one_line_and_writes_nothing(folder, tmp_path, capsys, flags, words, code):
    assert _export(folder, tmp_path / "a" / "b", *flags) == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "deepexplain: error: " in error
    assert words in error
    assert os.listdir(tmp_path) == []


def test_a_path_that_cannot_be_written_to(folder, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert _export(folder, tmp_path / "file" / "out", "--method=deeplift") == 1
    assert "can be written to" in capsys.readouterr().err
    assert _export(folder, tmp_path / "file", "--method=deeplift", "--overwrite") == 1
    assert (tmp_path / "file").read_text() == "mine"
    assert os.listdir(tmp_path) == ["file"]


def test_a_missing_model(folder, tmp_path, capsys):
    assert _export(folder, tmp_path / "out", "--method=deeplift", model="none.keras") == 1
    assert "there is no file" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
