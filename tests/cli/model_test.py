"""Every command on every way in; the numbers are those of the `.keras` file."""

import json

import keras
import numpy as np
from PIL import Image
import pytest
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

import deepexplain_tf as dx
from deepexplain_tf.cli import main as cli
from tests.checks import in_turn

X = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
SPEC = tf.TensorSpec([None, 4, 4, 3], tf.float32, "image")
# The flags of each way in, after the file in the folder.
WAYS = {
    "net.keras": [],
    "net.h5": [],
    "legacy.h5": [],
    "saved": ["--signature=net"],
    "net.pb": ["--output=Identity", "--input_signature=image:float32[?,4,4,3]"],
    "open.pb": ["--input_signature=image:0:float32[?,4,4,3]"],
}


def _network(library):
    layers = library.layers
    inputs = library.Input((4, 4, 3), name="image")
    hidden = layers.Flatten()(layers.Conv2D(3, 2, activation="relu", name="conv")(inputs))
    return library.Model(inputs, layers.Dense(3, activation="softmax")(hidden))


def _frozen(function, shape):
    concrete = function.get_concrete_function(tf.TensorSpec(shape, tf.float32, "image"))
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def().SerializeToString()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ways")
    keras.utils.set_random_seed(0)
    model = _network(keras)
    model.save(folder / "net.keras")
    model.save(folder / "net.h5")
    net = tf.function(lambda image: model(image, training=False))
    loose = tf.function(lambda image: net(tf.ensure_shape(image, SPEC.shape)))
    other = tf.function(lambda image: {"a": net(image), "b": 2 * net(image)})
    module = tf.Module()
    module.model = model
    signatures = {"net": net.get_concrete_function(SPEC), "other": other.get_concrete_function(SPEC)}
    tf.saved_model.save(module, folder / "saved", signatures=signatures)
    (folder / "net.pb").write_bytes(_frozen(net, SPEC.shape))
    (folder / "open.pb").write_bytes(_frozen(loose, None))
    (folder / "several.pb").write_bytes(_frozen(tf.function(lambda image: (tf.sin(image), tf.exp(image))), SPEC.shape))
    a, b = keras.Input((4, 4, 3), name="a"), keras.Input((3,), name="b")
    joined = keras.layers.Concatenate()([keras.layers.GlobalMaxPooling2D()(a), b])
    keras.Model([a, b], keras.layers.Dense(2, "tanh")(joined)).save(folder / "two.keras")
    np.save(folder / "x.npy", X)
    np.savez(folder / "two.npz", b=X[:, 0, 0], a=X)
    (folder / "photos").mkdir()
    for name, pixels in zip("ab", (99 * np.abs(X)).astype(np.uint8), strict=True):
        Image.fromarray(pixels).resize((6, 5)).save(folder / "photos" / f"{name}.png")
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(scope="module")
def _legacy(folder):
    tf_keras = pytest.importorskip("tf_keras", reason="tf_keras is an extra of users with models of Keras 2")
    model = _network(tf_keras)
    model.set_weights(keras.models.load_model(folder / "net.keras").get_weights())
    with pytest.warns(UserWarning, match="HDF5"):
        model.save(folder / "legacy.h5")


@pytest.fixture(params=in_turn(WAYS))  # tests/ways_in_test.py has the ways too
def way(request):
    if request.param == "legacy.h5":
        request.getfixturevalue("_legacy")
    return request.param


def _run(command, folder, way, out, *flags):
    return cli.main([command, f"--model={folder / way}", *WAYS.get(way, []), f"--out={out}", *flags])


@pytest.mark.parametrize("data", ["x.npy", "photos"])
def test_explain(folder, tmp_path, way, data):
    found = {}
    for name in (way, "net.keras"):
        flags = [f"--input={folder / data}", "--method=deeplift", "--target=1"]
        assert _run("explain", folder, name, tmp_path / name, *flags) == 0
        found[name] = dx.load(tmp_path / name / "explanation.npz").attributions
    np.testing.assert_allclose(found[way], found["net.keras"], rtol=1e-4, atol=1e-5 * np.abs(found[way]).max())
    assert np.abs(found[way]).max() > 1e-3


def test_evaluate(folder, tmp_path, way):
    found = {}
    for name in (way, "net.keras"):
        flags = [f"--input={folder / 'photos'}", "--preprocess=unit", "--methods=deeplift,gradient_x_input", "--seed=0"]
        metrics = ["--metrics=deletion,insertion", "--overwrite"]
        assert _run("evaluate", folder, name, tmp_path / name, *flags, *metrics) == 0
        found[name] = json.loads((tmp_path / name / "results.json").read_text())
    means = {name: [row["mean"] for row in results["rows"]] for name, results in found.items()}
    assert len(means[way]) == 4
    np.testing.assert_allclose(means[way], means["net.keras"], rtol=1e-4)
    assert found[way]["model"]["name"] == str(folder / way)
    assert found[way]["model_options"]["signature"] == ("net" if way == "saved" else None)


def test_coverage(folder, way, capsys):
    assert cli.main(["coverage", f"--model={folder / way}", *WAYS[way], "--summary"]) == 0
    out = capsys.readouterr().out
    assert [line.split() for line in out.splitlines() if "Relu" in line] == [["Relu", "activation", "exact", "1"]]
    assert "1 exact" in out and "refused" not in out


def test_export(folder, tmp_path, way):
    assert _run("export", folder, way, tmp_path / "out", "--method=deeplift", "--target=1", "--baseline=0") == 0
    exported = tf.saved_model.load(tmp_path / "out").signatures["explain"]
    (name,) = exported.structured_input_signature[1]
    with dx.DeepExplain(folder / "net.keras") as de:
        expected = de.explain("deeplift", X, target=1).attributions
    found = exported(**{name: tf.constant(X)})["attributions"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("way", ["net.keras", "saved"])
def test_randomisation_is_for_keras_files(folder, tmp_path, capsys, way):
    flags = [f"--input={folder / 'x.npy'}", "--methods=saliency", "--metrics=deletion,randomisation", "--seed=0"]
    assert _run("evaluate", folder, way, tmp_path / "out", *flags) == 0
    refused = f"the metric takes a Keras model or its file. Got {folder / way}" in capsys.readouterr().out
    assert refused == (way == "saved")


def test_arrays_go_to_the_inputs_by_name(folder, tmp_path):
    flags = [f"--input={folder / 'two.npz'}", "--method=deeplift", "--target=1"]
    assert _run("explain", folder, "two.keras", tmp_path / "out", *flags, f"--baseline={folder / 'two.npz'}") == 0
    assert _run("explain", folder, "two.keras", tmp_path / "out", *flags) == 0
    with dx.DeepExplain(folder / "two.keras") as de:
        expected = de.explain("deeplift", [X, X[:, 0, 0]], target=1).attributions
    found = dx.load(tmp_path / "out" / "explanation.npz").attributions
    for name, wanted in zip("ab", expected, strict=True):
        np.testing.assert_array_equal(found[name], wanted)


@pytest.mark.parametrize("command", ["explain", "evaluate", "coverage", "export"])
@pytest.mark.parametrize(
    ("model", "flags", "words", "code"),
    [
        ("empty", [], "has no saved_model.pb", 1),
        ("x.npy", [], "a model file must end in", 1),
        ("saved", ["--signature=nett"], "closest: 'net'", 1),
        ("net.keras", ["--signature=net"], "signature must name a signature of a SavedModel", 1),
        ("several.pb", [], "name a tensor with output=", 1),
        ("net.pb", ["--output=Identiti"], "closest: 'Identity'", 1),
        ("net.pb", ["--input_signature=imag:float32[?,4,4,3]"], "closest: 'image'", 1),
        ("net.pb", ["--input_signature=image:float32[?,4,4]"], "input_signature must match the model's inputs", 1),
        ("open.pb", [], "give shapes with input_signature=", 1),
        ("net.pb", ["--input_signature=image"], "--input_signature must be", 2),
        ("net.keras", ["--layer=cov"], "closest: 'conv'", 1),
    ],
)
def test_a_refusal_is_one_line(folder, tmp_path, capsys, command, model, flags, words, code):
    own = {
        "explain": [f"--input={folder / 'x.npy'}"],
        "evaluate": [f"--input={folder / 'x.npy'}"],
        "coverage": [],
        "export": ["--method=deeplift"],
    }[command]
    out = [] if command == "coverage" else [f"--out={tmp_path / 'out'}"]
    assert cli.main([command, f"--model={folder / model}", *own, *flags, *out]) == code
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("deepexplain: error: ")
    assert words in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["explain", "evaluate"])
def test_inputs_that_do_not_fit(folder, tmp_path, capsys, command):
    assert _run(command, folder, "two.keras", tmp_path / "out", f"--input={folder / 'photos'}") == 1
    assert "pictures go to a model with one input. Got one with ['a', 'b']" in capsys.readouterr().err
    assert _run(command, folder, "net.pb", tmp_path / "out", f"--input={folder / 'two.npz'}") == 1
    assert "inputs must have the keys ['image']" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["explain", "evaluate", "coverage", "export"])
def test_code_in_a_file_is_not_run(folder, tmp_path, capsys, command):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda v: 2 * v)])
    model.save(tmp_path / "code.keras")
    own = {"coverage": [], "export": ["--method=deeplift"]}.get(command, [f"--input={folder / 'x.npy'}"])
    out = [] if command == "coverage" else [f"--out={tmp_path / 'out'}"]
    assert cli.main([command, f"--model={tmp_path / 'code.keras'}", *own, *out]) == 1
    assert "a model file must hold no code" in capsys.readouterr().err
