"""Exported explainers in a process that has neither this library nor Keras."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import STRUCTURES, mlp, strings_inside

_BACKGROUND = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
_NOISE = dx.noise("smoothgrad", "10%", n_samples=3)
# Structure, method, fixed arguments and settings.
_CASES = {
    "cnn-deeplift": ("sequential", "deeplift", {"baseline": None}, {}),
    "pair-ig-compiled": ("list_of_inputs", "integrated_gradients", {"baseline": None}, {"jit_compile": True}),
    "mlp-expected": ("functional", "expected_gradients", {"n_samples": 8, "seed": 1, "background": _BACKGROUND}, {}),
    "tokens-ig-frozen": ("tokens_with_a_mask", "integrated_gradients", {"baseline": None, "freeze": True}, {}),
}
_FURTHER_CASES = {  # whose files hold the same as those above
    "cnn-ig": ("sequential", "integrated_gradients", {"baseline": None}, {}),
    "pair-occlusion": ("list_of_inputs", "occlusion", {"baseline": None}, {}),
    "pair-deeplift-compiled": ("list_of_inputs", "deeplift", {"baseline": None}, {"jit_compile": True}),
    "cnn-noise": ("sequential", "deeplift", {"baseline": None, "noise": _NOISE, "seed": 1}, {}),
    "mlp-lrp": ("functional", "epsilon_lrp", {}, {}),
    "cnn-guided": ("sequential", "guided_backprop", {}, {}),
    "cnn-deconvnet": ("sequential", "deconvnet", {}, {}),
    "cnn-lime": ("sequential", "lime", {"n_samples": 20, "seed": 1, "baseline": None}, {}),
    "cnn-rise": ("sequential", "rise", {"n_samples": 20, "seed": 1, "baseline": None}, {}),
    "mlp-kernel": ("functional", "kernel_shap", {"n_samples": 12, "seed": 1, "baseline": 0.5}, {}),
    "mlp-shapley": ("functional", "shapley_sampling", {"n_samples": 4, "seed": 1, "baseline": 0.5}, {}),
}
# Models with explanations built in: structure and method.
_MODULES = {"module-cnn": ("sequential", "guided_backprop"), "module-tokens": ("tokens_with_a_mask", "deeplift")}
_V1 = ("cnn-deeplift", "tokens-ig-frozen")
_SIZES = (1, 3, 17)
_COMPILED_SIZES = (3,)  # XLA compiles for each size anew
_BARE = """
import json, sys
for name in ("keras", "tf_keras", "deepexplain_tf"):
    sys.modules[name] = None  # an import of it fails
import numpy as np
import tensorflow as tf
root = sys.argv[1]
cases, v1 = json.load(open(f"{root}/cases.json"))
for case, sizes in cases.items():
    signature = tf.saved_model.load(f"{root}/{case}").signatures["serving_default"]
    for size in sizes:
        found = signature(**{k: tf.constant(v) for k, v in np.load(f"{root}/{case}-{size}-in.npz").items()})
        np.savez(f"{root}/{case}-{size}-out.npz", **{k: v.numpy() for k, v in found.items()})
    if case not in v1:
        continue
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], f"{root}/{case}")
        assert set(meta.signature_def) >= {"serving_default", "explain", "predict"}
        of = meta.signature_def["explain"]
        fed = np.load(f"{root}/{case}-{sizes[-1]}-in.npz")
        feed = {of.inputs[k].name: fed[k] for k in fed}
        v1 = session.run({k: t.name for k, t in of.outputs.items()}, feed)
        assert set(v1) == set(found)
        for k in v1:
            np.testing.assert_allclose(v1[k], found[k], rtol=1e-4, atol=1e-5)
assert not [n for n in sys.modules if n.startswith(("keras.", "tf_keras.", "deepexplain_tf."))]
"""


def _sizes(case):
    return _COMPILED_SIZES if case.endswith("compiled") else _SIZES


def _described(folder):
    return json.loads((folder / "assets" / "explainer.json").read_text("utf-8"))


def _export(root, cases, modules):
    """Exports explainers and models into folders, and runs them elsewhere; returns what they give here."""
    expected = {}
    for case, (name, method, fixed, settings) in cases.items():
        structure = STRUCTURES[name]
        with dx.DeepExplain(structure.build(), **structure.settings, **settings) as de:
            explain = de.explainer(method, **fixed)
            explain.export(root / case)
            names = list(_described(root / case)["signatures"]["predict"]["inputs"])
            for size in _sizes(case):
                inputs, target = structure.inputs(size), np.arange(size, dtype=np.int32) % 2
                fed = dict(zip(names, tf.nest.flatten(inputs), strict=True))
                np.savez(root / f"{case}-{size}-in.npz", target=target, **fed)
                expected[case, size] = explain(inputs, target=target)
    for case, (name, method) in modules.items():
        structure = STRUCTURES[name]
        module, x = dx.with_explanations(structure.build(), method, **structure.settings), structure.inputs(3)
        tf.saved_model.save(module, root / case)
        (called,) = module.serve.structured_input_signature[1]
        np.savez(root / f"{case}-3-in.npz", **{called: x})
        expected[case] = module(x)
    sizes = {case: _sizes(case) for case in cases} | {case: [3] for case in modules}
    (root / "cases.json").write_text(json.dumps([sizes, _V1]))
    done = subprocess.run([sys.executable, "-c", _BARE, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return expected


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    root = tmp_path_factory.mktemp("exported")
    return root, _export(root, _CASES, _MODULES)


def _check_numbers(root, case, expected):
    for size in _sizes(case):
        found, e = np.load(root / f"{case}-{size}-out.npz"), expected[case, size]
        names = sorted(name for name in found if name.startswith("attributions"))
        for name, array in zip(names, tf.nest.flatten(e.attributions), strict=True):
            assert found[name].dtype == array.dtype
            np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-5 * np.abs(array).max())
        np.testing.assert_allclose(found["outputs"], e.outputs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", _CASES)
def test_the_same_numbers_without_the_library_and_keras(exported, case):
    root, expected = exported
    _check_numbers(root, case, expected)


@pytest.mark.long
def test_the_same_numbers_of_further_cases(tmp_path):
    expected = _export(tmp_path, _FURTHER_CASES, {})
    for case in _FURTHER_CASES:
        _check_numbers(tmp_path, case, expected)


@pytest.mark.parametrize("case", _MODULES)
def test_a_model_with_explanations_that_was_saved_as_any_module(exported, case):
    root, expected = exported
    found = np.load(root / f"{case}-3-out.npz")
    assert set(found) == set(expected[case]) > {"attributions", "outputs"}
    for key, array in expected[case].items():
        np.testing.assert_allclose(found[key], array, rtol=1e-5, atol=1e-6)
    assert list(tf.saved_model.load(root / case).signatures) == ["serving_default"]


def test_a_taken_path_is_refused_and_left_alone(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine")
    with dx.DeepExplain(mlp()) as de:
        for overwrite in (False, True):
            with pytest.raises(dx.DeepExplainError, match="overwrite=True"):
                de.explainer("deeplift").export(tmp_path / "taken", overwrite=overwrite)
    assert os.listdir(tmp_path) == ["taken"] and os.listdir(tmp_path / "taken") == ["mine.txt"]


def test_an_older_export_is_replaced_on_request(tmp_path):
    with dx.DeepExplain(mlp()) as de:
        de.explainer("saliency").export(tmp_path / "model", version=1)
        de.explainer("deeplift").export(tmp_path / "model", version=1, overwrite=True)
    assert _described(tmp_path / "model" / "1")["method"] == "deeplift"
    assert os.listdir(tmp_path) == ["model"] and os.listdir(tmp_path / "model") == ["1"]


def test_what_is_no_graph_is_refused_and_writes_nothing(tmp_path):
    with dx.DeepExplain(mlp()) as de, pytest.raises(dx.DeepExplainError, match="not exported"):
        de.explainer("integrated_gradients", tolerance=0.1).export(tmp_path / "a" / "b")
    assert os.listdir(tmp_path) == []


def test_a_target_that_the_output_does_not_have_is_an_error(tmp_path):
    with dx.DeepExplain(mlp()) as de:
        de.explainer("deeplift").export(tmp_path / "model")
    explain = tf.saved_model.load(tmp_path / "model").signatures["explain"]
    x, baseline = tf.ones([2, 4]), tf.zeros([1, 4])
    assert explain(features=x, target=tf.constant([0, -1]), baseline=baseline)["attributions"].shape == (2, 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="target must be an index"):
        explain(features=x, target=tf.constant([0, 3]), baseline=baseline)
    with pytest.raises(tf.errors.InvalidArgumentError, match="baseline must be one"):
        explain(features=x, target=tf.constant([0, 1]), baseline=tf.zeros([3, 4]))


def test_xla_compiles_what_is_loaded_where_it_was_asked_to(exported):
    root, _ = exported
    for case, (_, _, _, settings) in _CASES.items():
        assert _described(root / case)["xla"] == ("jit_compile" in settings), case


def test_the_nodes_of_a_path_are_as_many_as_its_steps(exported):
    """A compiled explainer has room for any number of steps, which an exported one does not need."""
    root, _ = exported
    assert (root / "pair-ig-compiled" / "saved_model.pb").stat().st_size < 500_000


_ODD = [tf.TensorSpec([None, 2], name="x")]


def test_what_xla_refuses_is_an_error_where_it_was_asked_for(tmp_path):
    with (
        dx.DeepExplain(strings_inside, input_signature=_ODD, jit_compile=True) as de,
        pytest.raises(dx.DeepExplainError, match="XLA must be able"),
    ):
        de.explainer("saliency").export(tmp_path / "model")
    assert os.listdir(tmp_path) == []


@pytest.mark.long  # tests/engine/compiled_test.py has what XLA refuses
def test_what_xla_refuses_is_exported_without_it(tmp_path):
    """A loop, which XLA would be chosen for, around an op that it has not."""

    def model(x):
        return tf.while_loop(
            lambda n, _: n < 4, lambda n, s: (n + 1, s + tf.sin(s) * strings_inside(s)), (0, x), maximum_iterations=4
        )[1]

    with dx.DeepExplain(model, input_signature=_ODD) as de:
        explain = de.explainer("integrated_gradients", target=0, baseline=1.0, n_steps=4)
        explain.export(tmp_path / "model")
    told = _described(tmp_path / "model")
    assert told["xla"] is False
    assert any("not compiled by XLA" in note for note in told["notes"])
    x = np.array([[0.5, -0.25]], np.float32)
    found = tf.saved_model.load(tmp_path / "model").signatures["explain"](x=tf.constant(x))
    np.testing.assert_allclose(found["attributions"], explain(x).attributions, rtol=1e-5)


def test_the_model_itself_is_there_too(exported):
    root, _ = exported
    structure = STRUCTURES["list_of_inputs"]
    x = structure.inputs(3)
    predict = tf.saved_model.load(root / "pair-ig-compiled").signatures["predict"]
    (found,) = predict(left=tf.constant(x[0]), right=tf.constant(x[1])).values()
    np.testing.assert_allclose(found, structure.build()(x), rtol=1e-6)
    told = _described(root / "pair-ig-compiled")["signatures"]
    assert list(told["predict"]["inputs"]) == ["left", "right"]
    assert {"attributions_left", "attributions_right"} < set(told["explain"]["outputs"])


def test_it_is_told_what_was_exported(exported):
    root, _ = exported
    told = _described(root / "mlp-expected")
    assert told["method"] == "expected_gradients"
    assert told["options"]["sampling"] == "stratified" and told["options"]["n_samples"] == 8
    assert told["options"]["background"].keys() == {"dtype", "shape", "sha256"}
    assert told["fixed"] == {"seed": 1}
    assert told["settings"]["jit_compile"] == "auto"
    assert told["versions"].keys() == {"deepexplain_tf", "tensorflow", "keras"}
    assert any("stripped" in note for note in told["notes"])
    assert _described(root / "pair-ig-compiled")["options"]["evaluations"] == 64
    digests = {case: _described(root / case)["model_sha256"] for case in _CASES}
    assert len(set(digests.values())) == 4  # one for each model, whatever explains it


def test_the_hash_is_that_of_graph_and_weights(tmp_path):
    model, digests = mlp(), []
    model.save(tmp_path / "model.keras")

    def add(of):
        with dx.DeepExplain(of) as de:
            digests.append(de.explainer("saliency").program().provenance()["model_sha256"])

    add(model)
    add(str(tmp_path / "model.keras"))
    model.get_layer("hidden").bias.assign_add([0.0, 0.0, 0.0, 0.0, 1e-6])
    add(model)
    assert digests[0] == digests[1] != digests[2]


def test_gradients_that_a_file_has_lost_are_told(tmp_path):
    @tf.custom_gradient
    def straight(z):
        return tf.sign(z), lambda upstream: upstream

    module = tf.Module()
    module.call = tf.function(lambda x: straight(x) * x, input_signature=_ODD)
    tf.saved_model.save(
        module, tmp_path / "own", options=tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    )
    with dx.DeepExplain(str(tmp_path / "own")) as de:
        de.explainer("gradient_x_input").export(tmp_path / "model")
    assert any("is not in its file" in note for note in _described(tmp_path / "model")["notes"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "saved_modell"}, "closest: 'saved_model'"),
        ({"inputs": np.ones((1, 4))}, "unknown option 'inputs' of format 'saved_model'"),
        ({"version": -1}, "version must be"),
        ({"overwrite": 1}, "overwrite must be"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path, options, words):
    with dx.DeepExplain(mlp()) as de, pytest.raises(dx.DeepExplainError, match=words):
        de.explainer("deeplift").export(tmp_path / "model", **options)
    assert os.listdir(tmp_path) == []


def test_a_variable_that_no_object_holds_is_told(tmp_path):
    scale = tf.Variable([1.0, 2.0])
    hidden = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer([0], [1.0]), 0.0)

    def model(x):
        return scale * x * tf.ensure_shape(hidden.lookup(tf.constant([0])), [1])

    with dx.DeepExplain(model, input_signature=_ODD) as de, pytest.raises(dx.DeepExplainError, match="no object holds"):
        de.explainer("saliency").export(tmp_path / "model")
    assert os.listdir(tmp_path) == []
