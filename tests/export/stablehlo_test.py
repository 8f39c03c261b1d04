"""Exported StableHLO programs, run by JAX's XLA in a process that has no TensorFlow."""

import atexit
import functools
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.export.stablehlo import is_available
from tests.models import STRUCTURES, filled, mlp, strings_inside

pytestmark = pytest.mark.skipif(not is_available(), reason="this TensorFlow does not write StableHLO; 2.19 does")
_ROOT = pathlib.Path(__file__).parents[2]
_needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX, which runs it, is not installed")
_RUN = """
import sys
for name in ("tensorflow", "keras", "deepexplain_tf"):
    sys.modules[name] = None  # an import of it fails
import pathlib
sys.path.insert(0, sys.argv[1])
folder = pathlib.Path(sys.argv[2])
import numpy as np
from run_stablehlo import explain
for fed in folder.glob("*fed.npz"):
    np.savez(folder / fed.name.replace("fed", "found"), **explain(folder, dict(np.load(fed))))
"""


def _encoder():
    """An encoder block: attention, layer normalisation and GELU around residuals."""
    layers = keras.layers
    x = keras.Input((5, 8), name="words")
    attended = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    hidden = layers.Dense(8)(layers.Dense(16, activation="gelu")(attended))
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(attended + hidden))
    return filled(keras.Model(x, layers.Dense(3, activation="softmax")(pooled)))


def _lstm():
    return filled(keras.Sequential([keras.Input((4, 3)), keras.layers.LSTM(4), keras.layers.Dense(2)]))


def _case(model, shape, method, settings=(), late=("target", "baseline"), **export):
    return model, shape, method, dict(settings), late, export


_CNN = (STRUCTURES["sequential"].build, (3, 6, 6, 2))
_CASES = {
    "cnn-ig": _case(*_CNN, "integrated_gradients"),
    "cnn-deeplift": _case(*_CNN, "deeplift", weights="arguments"),
    "encoder-ig": _case(_encoder, (2, 5, 8), "integrated_gradients", weights="arguments"),
    "encoder-deeplift": _case(_encoder, (2, 5, 8), "deeplift"),
    "lstm-ig": _case(_lstm, (2, 4, 3), "integrated_gradients", {"n_steps": 8}),
    "cnn-lime": _case(*_CNN, "lime", {"n_samples": 100, "seed": 0}),
    "cnn-rise": _case(*_CNN, "rise", {"n_samples": 100, "seed": 0}),
    "cnn-noise": _case(*_CNN, "deeplift", {"noise": dx.noise("vargrad", 0.1, 3), "seed": 0}),
    "cnn-saliency": _case(*_CNN, "saliency", {"target": None}, ()),
}


# Longer than all others together.
_AT_LENGTH = ("encoder-ig", "encoder-deeplift", "lstm-ig", "cnn-lime", "cnn-rise", "cnn-noise", "cnn-saliency")


@functools.cache
def _exported(case):
    """Returns the folder of an exported program that has run elsewhere, and what the explainer gives here."""
    build, shape, method, fixed, late, options = _CASES[case]
    temporary = tempfile.TemporaryDirectory()
    atexit.register(temporary.cleanup)
    folder, generator = pathlib.Path(temporary.name) / case, np.random.default_rng(3)
    x, start = (generator.normal(size=size).astype(np.float32) for size in (shape, (1, *shape[1:])))
    arguments = {"target": np.arange(len(x), dtype=np.int32) % 2, "baseline": start}
    arguments = {name: arguments[name] for name in late}
    with dx.DeepExplain(build(), jit_compile=False) as de:
        explain = de.explainer(method, **fixed)
        explain.export(folder, format="stablehlo", inputs=tf.TensorSpec(shape), **options)
    (name,) = set(_described(folder, "parameters")[: 1 + len(late)]) - set(late)
    np.savez(folder / "fed.npz", **arguments, **{name: x})
    if case == "cnn-ig":
        np.savez(folder / "wrong_fed.npz", **{**arguments, "target": np.int32([99, 1, -99]), name: x})
    command = [sys.executable, "-c", _RUN, _ROOT / "examples", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, explain(x, **arguments)


def _described(folder, key):
    return [entry["name"] for entry in json.loads((folder / "explainer.json").read_text("utf-8"))[key]]


@_needs_jax
@pytest.mark.parametrize("case", [pytest.param(c, marks=[pytest.mark.long] * (c in _AT_LENGTH)) for c in _CASES])
def test_the_same_numbers_in_jax(case):
    folder, e = _exported(case)
    found = np.load(folder / "found.npz")
    assert list(found) == _described(folder, "results")
    scale = np.abs(e.attributions).max()
    np.testing.assert_allclose(found["attributions"], e.attributions, rtol=0, atol=1e-5 * scale)
    for name in ("outputs", "baseline_outputs"):
        if getattr(e, name) is not None:
            np.testing.assert_allclose(found[name], getattr(e, name), rtol=1e-5, atol=1e-6)


@_needs_jax
def test_a_target_that_is_no_unit_gives_no_number():
    folder, e = _exported("cnn-ig")
    found = np.load(folder / "wrong_found.npz")
    for name, array in found.items():
        assert np.isnan(array[[0, 2]]).all() and np.isfinite(array[1]).all(), name
    scale = np.abs(e.attributions).max()
    np.testing.assert_allclose(found["attributions"][1], e.attributions[1], rtol=0, atol=1e-5 * scale)


@_needs_jax
def test_weights_stand_beside_the_program_or_in_it():
    (inside, _), (beside, _) = _exported("cnn-saliency"), _exported("cnn-deeplift")
    assert sorted(os.listdir(inside)) == ["explainer.json", "explainer.mlir", "fed.npz", "found.npz"]
    weights = np.load(beside / "weights.npz")
    names = _described(beside, "parameters")
    assert names[1:3] == ["target", "baseline"] and names[3:] == list(weights)
    assert len(weights) == 8 and any(name.endswith("/kernel") for name in weights)


def test_the_program_is_small_and_tells_nothing_of_this_machine(tmp_path):
    with dx.DeepExplain(mlp()) as de:
        explain = de.explainer("integrated_gradients", target=0)
        explain.export(tmp_path / "m", format="stablehlo", inputs=np.ones((2, 4)))
    program = (tmp_path / "m" / "explainer.mlir").read_bytes()
    assert str(_ROOT).encode() not in program and b".py" not in program
    assert len(program) < 50_000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "needs inputs="),
        ({"inputs": tf.TensorSpec((None, 4))}, "fixed sizes"),
        ({"inputs": np.ones((2, 5), np.float32)}, "fixed sizes"),
        ({"inputs": [tf.TensorSpec((2, 4))] * 2}, "1 array"),
        ({"inputs": np.ones((2, 4)), "weights": "files"}, "'constants' or 'arguments'"),
        ({"inputs": np.ones((2, 4)), "weight": "constants"}, "closest: 'weights'"),
    ],
)
def test_wrong_options_write_nothing(tmp_path, options, words):
    with dx.DeepExplain(mlp()) as de, pytest.raises(dx.DeepExplainError, match=words):
        de.explainer("deeplift").export(tmp_path / "a" / "b", format="stablehlo", **options)
    assert os.listdir(tmp_path) == []


def test_what_xla_refuses_is_said(tmp_path):
    with (
        dx.DeepExplain(strings_inside, input_signature=[tf.TensorSpec([None, 2])]) as de,
        pytest.raises(dx.DeepExplainError, match="XLA must be able"),
    ):
        de.explainer("saliency").export(tmp_path / "m", format="stablehlo", inputs=np.ones((1, 2)))
    assert os.listdir(tmp_path) == []


def test_a_function_whose_shapes_its_first_call_tells(tmp_path):
    x = np.ones((2, 3), np.float32)
    with dx.DeepExplain(lambda a, b: tf.reduce_sum(a * tf.exp(b), 1)) as de:
        explain = de.explainer("deeplift", baseline=None)
        with pytest.raises(dx.DeepExplainError, match="first call"):
            explain.export(tmp_path / "early", format="stablehlo", inputs=[x, x])
        explain([x, x])
        explain.export(tmp_path / "m", format="stablehlo", inputs=[x, x])
    assert _described(tmp_path / "m", "parameters") == ["input_0", "input_1"]
    assert _described(tmp_path / "m", "results")[-2:] == ["attributions_input_0", "attributions_input_1"]
