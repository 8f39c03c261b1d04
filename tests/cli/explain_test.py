import json
import os

import keras
import numpy as np
from PIL import Image
import pytest

import deepexplain_tf as dx
from deepexplain_tf.cli import main as cli
from tests.picture_files import tiff


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain")
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    layers = keras.layers
    pictures = [
        keras.Input((8, 8, 3)),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.GlobalMaxPooling2D(),
        layers.Dense(5, activation="softmax"),
    ]
    keras.Sequential(pictures).save(folder / "pictures.keras")
    tokens = [
        keras.Input((6,), dtype="int32"),
        layers.Embedding(20, 4, name="words"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1),
    ]
    keras.Sequential(tokens).save(folder / "tokens.h5")
    (folder / "photos").mkdir()
    for name in ("one", "two"):
        Image.fromarray(random.integers(0, 256, (12, 10, 3), np.uint8)).save(folder / "photos" / f"{name}.png")
    np.save(folder / "tokens.npy", random.integers(1, 20, (2, 6)))
    return folder


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.resize((8, 8), Image.Resampling.BICUBIC), np.float32)


def _explain(folder, out, *flags, model="pictures.keras", data="photos"):
    return cli.main(["explain", f"--model={folder / model}", f"--input={folder / data}", f"--out={out}", *flags])


def test_pictures(folder, tmp_path, capsys):
    assert _explain(folder, tmp_path, "--method=deeplift", "--preprocess=unit", "--target=2") == 0
    assert sorted(os.listdir(tmp_path)) == ["explanation.npz", "one.png", "two.png"]
    explanation = dx.load(tmp_path / "explanation.npz")
    assert explanation.method == "deeplift"
    assert explanation.attributions.shape == (2, 8, 8, 3)
    assert np.abs(explanation.completeness_gap).max() < 1e-5
    out = capsys.readouterr().out
    assert all(word in out for word in ("one", "two", "gap", "note: Softmax", "wrote"))


def test_numbers_are_those_of_the_library(folder, tmp_path):
    flags = ["--method=integrated_gradients", "--option=n_steps=8", "--preprocess=127,128", "--baseline=-1"]
    assert _explain(folder, tmp_path, *flags, "--target=0,1", "--output=model") == 0
    x = (np.stack([_pixels(folder / "photos" / f"{name}.png") for name in ("one", "two")]) - 127) / 128
    with dx.DeepExplain(keras.models.load_model(folder / "pictures.keras"), output="model") as de:
        expected = de.explain("integrated_gradients", x, target=np.array([0, 1]), baseline=-1, n_steps=8)
    found = dx.load(tmp_path / "explanation.npz")
    np.testing.assert_allclose(found.attributions, expected.attributions, atol=1e-6)


def test_noise(folder, tmp_path):
    flags = ["--preprocess=unit", "--target=2", "--seed=1"]
    assert _explain(folder, tmp_path, "--method=saliency", "--noise=smoothgrad,n_samples=3", *flags) == 0
    found = dx.load(tmp_path / "explanation.npz")
    x = np.stack([_pixels(folder / "photos" / f"{name}.png") for name in ("one", "two")]) / 255
    with dx.DeepExplain(keras.models.load_model(folder / "pictures.keras")) as de:
        expected = de.explain("saliency", x, target=2, seed=1, noise=dx.noise("smoothgrad", n_samples=3))
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-3, atol=1e-6)


def test_a_set_of_baselines(folder, tmp_path):
    background = np.random.default_rng(1).random((3, 8, 8, 3))
    np.save(folder / "set.npy", background)
    flags = ["--method=deeplift", f"--option=background={folder / 'set.npy'}", "--preprocess=unit", "--target=2"]
    assert _explain(folder, tmp_path, *flags) == 0
    found = dx.load(tmp_path / "explanation.npz")
    logits = keras.models.load_model(folder / "pictures.keras")
    logits.layers[-1].activation = None
    np.testing.assert_allclose(found.baseline_outputs, logits(background)[:, 2].numpy().mean(), rtol=1e-5)
    assert np.abs(found.completeness_gap).max() < 1e-5


def test_pictures_are_those_of_the_library(folder, tmp_path):
    keras.Sequential(
        [keras.Input((4, 5, 3)), keras.layers.Flatten(), keras.layers.Dense(1, kernel_initializer="ones")]
    ).save(folder / "sum.keras")
    data, random = tmp_path / "data", np.random.default_rng(0)
    data.mkdir()
    Image.fromarray(random.integers(0, 256, (12, 10, 4), np.uint8)).save(data / "a.webp", lossless=True)
    (data / "b.tiff").write_bytes(tiff(random.integers(0, 65536, (9, 9, 3), np.uint16), 2))
    flags = ["--method=gradient_x_input", "--preprocess=symmetric", "--behind=#ff8000"]
    assert _explain(folder, tmp_path / "out", *flags, model="sum.keras", data=data) == 0
    found = dx.load(tmp_path / "out" / "explanation.npz").attributions  # of a sum: the inputs
    expected = dx.read_pictures(data, (4, 5, 3), preprocess="symmetric", behind="#ff8000")
    np.testing.assert_array_equal(found, expected)
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png", "b.png", "explanation.npz"]


def test_words_at_a_layer(folder, tmp_path):
    assert _explain(folder, tmp_path, "--layer=words", model="tokens.h5", data="tokens.npy") == 0
    assert dx.load(tmp_path / "explanation.npz").attributions.shape == (2, 6, 4)
    assert sorted(os.listdir(tmp_path)) == ["example_000.png", "example_001.png", "explanation.npz"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--method=deplift"], "closest: 'deeplift'"),
        (["--target=5"], "Got 5"),
        (["--layer=cov"], "closest: 'conv'"),
        (["--method=deeplift", "--option=n_steps=3"], "n_steps"),
        (["--baseline=none.npy"], "none.npy"),
        (["--preprocess=zero"], "--preprocess must be"),
        (["--behind=whit"], "--behind must be"),
        (["--value_range=0,4095"], "more than 8 bits for a value_range"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_older_results(folder, tmp_path, capsys, flags, words):
    (tmp_path / "explanation.npz").write_text("old")
    assert _explain(folder, tmp_path, *flags) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "deepexplain: error: " in error
    assert words in error
    assert os.listdir(tmp_path) == ["explanation.npz"]
    assert (tmp_path / "explanation.npz").read_text() == "old"


@pytest.mark.parametrize(("model", "data"), [("none.keras", "photos"), ("pictures.keras", "none.png")])
def test_a_missing_file_makes_no_folder(folder, tmp_path, capsys, model, data):
    assert _explain(folder, tmp_path / "out", model=model, data=data) == 1
    assert "there is no file" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_wrong_usage(folder, tmp_path, capsys):
    assert _explain(folder, tmp_path / "out", "--target=cat") == 2
    assert "--target must be" in capsys.readouterr().err


@pytest.fixture(scope="module")
def census(folder):
    inputs = {"age": keras.Input((1,), name="age"), "job": keras.Input((1,), dtype="string", name="job")}
    jobs = keras.layers.StringLookup(vocabulary=["nurse", "chef"], output_mode="one_hot")(inputs["job"])
    seen = keras.layers.Concatenate()([inputs["age"], jobs])
    keras.Model(inputs, keras.layers.Dense(2)(seen)).save(folder / "census.keras")
    (folder / "rows.csv").write_text("age,job\n31,nurse\n45.5,chef\n")
    return folder


def test_a_table_with_texts_and_its_numbers(census, tmp_path):
    flags = ["--method=kernel_shap", "--seed=0", "--class_names=poor,rich", "--tables=csv", "--tables=json", "--report"]
    assert _explain(census, tmp_path, *flags, model="census.keras", data="rows.csv") == 0
    named = ["example_000.png", "example_001.png", "explanation.csv", "explanation.json", "explanation.npz"]
    assert sorted(os.listdir(tmp_path)) == [*named, "report.html"]
    found = dx.load(tmp_path / "explanation.npz")
    assert found.feature_names == ("age", "job") and found.class_names == ("poor", "rich")
    lines = (tmp_path / "explanation.csv").read_text().splitlines()
    assert lines[0] == "example,age,job" and len(lines) == 3
    np.testing.assert_allclose([float(cell) for cell in lines[1].split(",")[1:]], found.attributions[0], rtol=1e-6)
    content = json.loads((tmp_path / "explanation.json").read_text())
    np.testing.assert_allclose(content["attributions"], found.attributions, rtol=1e-6)
    assert content["method"] == "kernel_shap"
    page = (tmp_path / "report.html").read_text()
    assert "job = nurse" in page and "example_001" in page


def test_words_of_tokens(folder, tmp_path):
    (folder / "words.txt").write_text("one two three\nfour\n")
    flags = ["--layer=words", f"--tokens={folder / 'words.txt'}", "--tables=csv"]
    assert _explain(folder, tmp_path, *flags, model="tokens.h5", data="tokens.npy") == 0
    with Image.open(tmp_path / "example_000.png") as picture:
        assert picture.width == 640  # coloured words
    text = (tmp_path / "explanation.csv").read_text()
    assert [line.split(",")[3] for line in text.splitlines()[1:]] == ["one", "two", "three", "four"]


def test_names_of_features_in_a_file(folder, tmp_path):
    keras.Sequential([keras.Input((30, 2)), keras.layers.GRU(2), keras.layers.Dense(1)]).save(folder / "series.keras")
    np.save(folder / "series.npy", np.random.default_rng(0).normal(size=(1, 30, 2)).astype(np.float32))
    (folder / "channels.txt").write_text("load\nprice, in euro\n")
    flags = ["--method=gradient_x_input", f"--feature_names={folder / 'channels.txt'}"]
    assert _explain(folder, tmp_path, *flags, model="series.keras", data="series.npy") == 0
    assert dx.load(tmp_path / "explanation.npz").feature_names == ("load", "price, in euro")
    with Image.open(tmp_path / "example_000.png") as picture:
        assert picture.width == 800  # lines over time


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--feature_names=a,b"], 1, "feature_names must be 3 texts"),
        (["--tokens=words"], 2, "--tokens must be a .txt file"),
        (["--class_names=none.txt"], 1, "there is no file none.txt"),
        (["--tables=xls"], 2, "tables"),
    ],
)
def test_names_that_are_refused(folder, tmp_path, capsys, flags, code, words):
    assert _explain(folder, tmp_path / "out", "--target=1", *flags) == code
    assert words in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


def test_a_table_that_is_none(census, tmp_path, capsys):
    for content in (b"", b'a,b\n1,2,3\n"', b"\xff\xfe\n"):
        (census / "bad.csv").write_bytes(content)
        assert _explain(census, tmp_path / "out", model="census.keras", data="bad.csv") == 1
        assert "deepexplain: error: " in capsys.readouterr().err
