import re

import keras
import numpy as np
from PIL import Image
import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.cli import batch, main as cli
from deepexplain_tf.datasets.explainers import Live
from tests.datasets.folders import columns, contents, manifest, rejected
from tests.models import filled, mlp


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch")
    mlp().save(folder / "table.keras")
    layers = [keras.Input((6, 6, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    filled(keras.Sequential(layers)).save(folder / "pictures.keras")
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32))
    (folder / "photos").mkdir()
    for name in ("one", "two"):
        pixels = np.random.default_rng(len(name)).integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{name}.png")
    (folder / "photos" / "three.png").write_bytes(b"no picture")
    return folder


def _run(folder, out, *flags, model="table.keras", data="x.npy"):
    return cli.main(["batch", f"--model={folder / model}", f"--input={folder / data}", f"--out={out}", *flags])


def test_numbers_are_those_of_the_library(folder, tmp_path, capsys):
    flags = ["--method=integrated_gradients", "--option=n_steps=8", "--target=1", "--baseline=0.5"]
    flags += ["--batch_size=8", "--shard_size=16"]
    assert _run(folder, tmp_path / "out", *flags) == 0
    assert f"40 examples explained: 3 shards in {tmp_path / 'out'}" in capsys.readouterr().out
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain("integrated_gradients", np.load(folder / "x.npy"), target=1, baseline=0.5, n_steps=8)
    found = columns(tmp_path / "out")
    np.testing.assert_allclose(found["attributions"], expected.attributions, atol=1e-6)
    np.testing.assert_allclose(found["outputs"], expected.outputs, atol=1e-6)
    assert _run(folder, tmp_path / "out", *flags) == 0
    assert "finished before; nothing was done" in capsys.readouterr().out
    assert _run(folder, tmp_path / "out", *flags[:-1], "--shard_size=24") == 1
    assert "options.shard_size = 24" in capsys.readouterr().err


def test_an_interrupted_command_goes_on(folder, tmp_path, capsys, monkeypatch):
    flags = ["--method=deeplift", "--target=1", "--batch_size=4", "--shard_size=8"]
    explained, calls = Live.__call__, []

    def interrupted(self, inputs):
        calls.append(inputs)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return explained(self, inputs)

    with monkeypatch.context() as patch:
        patch.setattr(Live, "__call__", interrupted)
        assert _run(folder, tmp_path / "out", *flags) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert "error: interrupted; shards that are whole stay in" in found.err
    assert len(manifest(tmp_path / "out")["shards"]) == 2
    assert _run(folder, tmp_path / "out", *flags) == _run(folder, tmp_path / "whole", *flags) == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_pictures_have_names(folder, tmp_path, capsys):
    flags = ["--method=saliency", "--preprocess=unit", "--target=1", "--format=npz"]
    assert _run(folder, tmp_path, *flags, model="pictures.keras", data="photos") == 0
    assert "2 examples explained, 1 set aside" in capsys.readouterr().out
    assert columns(tmp_path)["name"].tolist() == ["one.png", "two.png"]
    assert "three.png" in rejected(tmp_path)[1]
    assert manifest(tmp_path)["source"]["preprocess"] == "unit"


def test_an_exported_explainer_and_columns(folder, tmp_path):
    with dx.DeepExplain(mlp()) as de:
        de.explainer("deeplift").export(tmp_path / "served", version=1)
    x = np.load(folder / "x.npy")
    table = pyarrow.table({name: x[:, number] for number, name in enumerate("dcba")} | {"label": np.arange(40)})
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    flags = [f"--explainer={tmp_path / 'served' / '1'}", f"--input={tmp_path / 'x.parquet'}", "--columns=d,c,b,a"]
    assert cli.main(["batch", *flags, "--target=2", f"--out={tmp_path / 'out'}"]) == 0
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain("deeplift", x, target=2)
    np.testing.assert_allclose(columns(tmp_path / "out")["attributions"], expected.attributions, atol=1e-6)


def test_records(folder, tmp_path):
    x = np.load(folder / "x.npy")
    with tf.io.TFRecordWriter(str(tmp_path / "x.tfrecord")) as writer:
        for row in x:
            numbers = tf.train.Feature(float_list=tf.train.FloatList(value=row))
            writer.write(tf.train.Example(features=tf.train.Features(feature={"x": numbers})).SerializeToString())
    flags = ["--method=gradient_x_input", "--feature=x:float32[4]"]
    assert _run(folder, tmp_path / "out", *flags, data=tmp_path / "x.tfrecord") == 0
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain("gradient_x_input", x)
    np.testing.assert_allclose(columns(tmp_path / "out")["attributions"], expected.attributions, atol=1e-6)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--explainer=served"], "one of --model and --explainer"),
        (["--feature=x"], "--feature must be NAME:DTYPE[SHAPE]"),
        (["--max_rejected=many"], "max_rejected"),
        (["--engine=ray"], "--explainer in the place of --model"),
        (["--engine=dask"], "engine"),
        (["--actors=2"], "--actors is for --engine=ray"),
    ],
)
def test_wrong_usage(flags, words, folder, tmp_path, capsys):
    assert _run(folder, tmp_path / "out", *flags) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_flags_of_a_model_are_not_for_an_export(folder, tmp_path, capsys):
    flags = [f"--explainer={tmp_path}", f"--input={folder / 'x.npy'}", f"--out={tmp_path / 'out'}"]
    assert cli.main(["batch", *flags, "--method=deeplift"]) == 2
    assert "--method is part of an exported explainer" in capsys.readouterr().err


def test_a_target_for_each_example_is_refused(folder, tmp_path, capsys):
    assert _run(folder, tmp_path / "out", "--target=" + ",".join("1" * 40), "--batch_size=40") == 1
    assert "a row for each example" in capsys.readouterr().err


def test_lines_of_a_log(folder, tmp_path, capsys, monkeypatch):
    assert batch.line(500, 2000, 50.0) == "batch: 500 of 2000 examples, 50 a second, 30 s left"
    assert batch.line(500, None, 0.4) == "batch: 500 examples, 0 a second"
    monkeypatch.setattr(batch, "_EVERY", 0.0)
    assert _run(folder, tmp_path, "--batch_size=20", "--method=saliency") == 0
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if line.startswith("batch: ")]
    assert [re.match(r"batch: (\d+) of 40 examples", line)[1] for line in told] == ["0", "20", "40"]
