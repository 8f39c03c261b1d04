"""Exported explainers in a process that has neither this library nor Keras."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.models import STRUCTURES, mlp

_CASES = {
    f"{name}-{method}": (name, method)
    for name in ("sequential", "list_of_inputs", "tokens_with_a_mask")
    for method in ("deeplift", "integrated_gradients", "epsilon_lrp", "occlusion")
}
_SIZES = (1, 3, 17)
_BARE = """
import json, sys
for name in ("keras", "tf_keras", "deepexplain_tf"):
    sys.modules[name] = None  # an import of it fails
import numpy as np
import tensorflow as tf
root = sys.argv[1]
for case, sizes in json.load(open(f"{root}/cases.json")).items():
    signature = tf.saved_model.load(f"{root}/{case}").signatures["serving_default"]
    for size in sizes:
        found = signature(**{k: tf.constant(v) for k, v in np.load(f"{root}/{case}-{size}-in.npz").items()})
        np.savez(f"{root}/{case}-{size}-out.npz", **{k: v.numpy() for k, v in found.items()})
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


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folders of exported explainers, run elsewhere, and what they give here."""
    root, expected = tmp_path_factory.mktemp("exported"), {}
    for case, (name, method) in _CASES.items():
        structure = STRUCTURES[name]
        with dx.DeepExplain(structure.build(), **structure.settings) as de:
            explain = de.explainer(method, baseline=None) if method != "epsilon_lrp" else de.explainer(method)
            explain.export(root / case)
            names = list(
                json.loads((root / case / "assets" / "explainer.json").read_text())["signatures"]["predict"]["inputs"]
            )
            for size in _SIZES:
                inputs, target = structure.inputs(size), np.arange(size, dtype=np.int32) % 2
                fed = dict(zip(names, tf.nest.flatten(inputs), strict=True))
                np.savez(root / f"{case}-{size}-in.npz", target=target, **fed)
                expected[case, size] = explain(inputs, target=target)
    (root / "cases.json").write_text(json.dumps(dict.fromkeys(_CASES, _SIZES)))
    done = subprocess.run([sys.executable, "-c", _BARE, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return root, expected


@pytest.mark.parametrize("case", _CASES)
def test_the_same_numbers_without_the_library_and_keras(exported, case):
    root, expected = exported
    for size in _SIZES:
        found, e = np.load(root / f"{case}-{size}-out.npz"), expected[case, size]
        names = sorted(name for name in found if name.startswith("attributions"))
        for name, array in zip(names, tf.nest.flatten(e.attributions), strict=True):
            assert found[name].dtype == array.dtype
            np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-5 * np.abs(array).max())
        np.testing.assert_allclose(found["outputs"], e.outputs, rtol=1e-5, atol=1e-6)


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
    description = json.loads((tmp_path / "model" / "1" / "assets" / "explainer.json").read_text())
    assert description["method"] == "deeplift"
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
