"""Every registered method on a random model: the mean over explanations at each of its draws, however it is called."""

import functools
import pathlib
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.objective.laws import normal, uniform
from tests.checks import options_of
from tests.conformance.conformance_test import METHODS, assert_same
from tests.models import filled, floats

L = keras.layers
_X = np.random.default_rng(1).normal(size=(5, 6, 2))
_SEED, _SAMPLES, _INSIDE = 3, 3, (4, 3)


def _each(*short: str) -> Any:
    """Returns the mark of a test of all methods; all but one or two of each kind are long, since each compiles anew."""
    return pytest.mark.parametrize(
        "method", [pytest.param(m, marks=[pytest.mark.long] * (m not in short)) for m in METHODS]
    )


class Chance(L.Layer):
    """Dropout for each row by itself and noise for all rows: drawn anew in each call, or as they were set."""

    def __init__(self, drawn: bool):
        super().__init__()
        self.drawn = drawn

    def build(self, shape: Any) -> None:
        self.u, self.n = (self.add_weight(shape=_INSIDE, trainable=False) for _ in range(2))

    def call(self, x: Any) -> Any:
        u, n = self.u, self.n
        if self.drawn:
            u = tf.random.uniform(tf.shape(x), dtype=x.dtype)
            n = tf.random.normal(_INSIDE, dtype=x.dtype)
        return tf.where(u < 0.3, tf.zeros([], x.dtype), x / 0.7) + 0.2 * n


@functools.cache
def _network(drawn: bool, jit_compile: bool) -> tuple[dx.DeepExplain, Chance]:
    with floats("float64"):
        chance = Chance(drawn)
        layers = [L.Conv1D(3, 3, activation="tanh", name="conv"), chance, L.Flatten(), L.Dense(4, "relu"), L.Dense(3)]
        model = filled(keras.Sequential([keras.Input((6, 2)), *layers]))
    return dx.DeepExplain(model, jit_compile=jit_compile).__enter__(), chance


@functools.cache
def _explainer(method: str, drawn: bool = True, jit_compile: bool = False) -> dx.Explainer:
    noise = {"noise": dx.noise("model", n_samples=_SAMPLES, seed=_SEED)} if drawn else {}
    fixed = {"target": 1, "seed": 0, **options_of(method, _X)}
    return _network(drawn, jit_compile)[0].explainer(method, **fixed, **noise)


@functools.cache
def _explained(method: str) -> dx.Explanation:
    return _explainer(method)(_X)


def _at_each_draw(method: str) -> list[dx.Explanation]:
    """Returns the explanations of a model whose draws are set to those of each sample."""
    key = tf.constant(np.random.default_rng(_SEED).integers(2**64 - 1, dtype=np.uint64, endpoint=True))
    shape, chance, found = tf.constant(_INSIDE), _network(False, False)[1], []
    for sample in map(tf.constant, range(_SAMPLES)):
        chance.u.assign(uniform(key, sample, shape, tf.float64))
        chance.n.assign(normal(key + tf.constant(1, tf.uint64), sample, shape, tf.float64))
        found.append(_explainer(method, drawn=False)(_X))
    return found


@_each("integrated_gradients")  # a gradient and DeepLIFT: tests/methods/model_draws_test.py
def test_it_is_the_mean_over_explanations_at_each_draw(method: str):
    found, parts = _explained(method), _at_each_draw(method)
    values = np.stack([part.attributions for part in parts])
    assert np.abs(values - values[0]).max() > 1e-3  # the draws matter
    assert_same(found.attributions, values.mean(0), 1e-12)
    assert_same(found.standard_error, values.std(0, ddof=1) / np.sqrt(_SAMPLES), 1e-10)
    for name in ("outputs", "baseline_outputs", "completeness_gap"):
        ends = [getattr(part, name) for part in parts]
        assert (getattr(found, name) is None) == (ends[0] is None)
        if ends[0] is not None:
            np.testing.assert_allclose(getattr(found, name), np.mean(ends, 0), rtol=0, atol=1e-12)


@_each()  # a gradient: tests/methods/model_draws_test.py
def test_batch_chunk_and_order_change_no_number(method: str):
    explain, expected = _explainer(method), _explained(method)
    for sizes in ({"batch_size": 2}, {"chunk_size": 2}):
        assert_same(explain(_X, **sizes).attributions, expected.attributions, 1e-12)
    order = np.array([4, 0, 3, 1, 2])
    assert_same(explain(_X[order]).attributions, expected.attributions[order], 1e-12)


@_each("gradient_x_input")
def test_xla_and_a_tf_function_change_no_number(method: str):
    found = _explainer(method, jit_compile=True)(_X)
    assert not [note for note in found.notes if "not compiled" in note]
    assert_same(found.attributions, _explained(method).attributions, 1e-10)
    explain = _explainer(method)
    inside = tf.function(lambda x: explain(x).attributions, input_signature=[tf.TensorSpec([None, 6, 2], tf.float64)])
    assert_same(inside(_X), _explained(method).attributions, 1e-12)


@_each("deeplift")
def test_an_export_gives_the_same_and_predicts_the_mean(method: str, tmp_path: pathlib.Path):
    fixed = {"baseline": None} if _explained(method).baseline_outputs is not None else {}
    fixed = {} if "background" in options_of(method, _X) else fixed
    noise = dx.noise("model", n_samples=_SAMPLES, seed=_SEED)
    explainer = _network(True, False)[0].explainer(
        method, target=1, seed=0, noise=noise, **options_of(method, _X), **fixed
    )
    explainer.export(tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    found = loaded.signatures["explain"](tf.constant(_X))
    assert_same(found["attributions"], _explained(method).attributions, 1e-12)
    (outputs,) = loaded.signatures["predict"](tf.constant(_X)).values()
    np.testing.assert_allclose(outputs[:, 1], _explained(method).outputs, rtol=0, atol=1e-12)
