"""Tests of `engine/judgement.py` and `engine/masks.py`: what an explanation says about its own numbers."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain, in_turn

L = keras.layers
RNG = np.random.default_rng(0)


def masked(*layers: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((6, 3)), L.Masking(-1.0), *layers, L.Dense(1)])
    model.set_weights([0.6 * RNG.normal(size=w.shape).astype("float32") for w in model.get_weights()])
    return model


def padded() -> np.ndarray:
    x = RNG.normal(size=(3, 6, 3)).astype("float32")
    x[1, :3] = -1
    return x


def noted(notes: tuple[str, ...], words: str) -> list[str]:
    return [note for note in notes if words in note]


RECURRENT = {
    "gru": lambda: masked(L.GRU(4)),
    "lstm": lambda: masked(L.LSTM(4)),
    "simple": lambda: masked(L.SimpleRNN(4)),
    "bidirectional": lambda: masked(L.Bidirectional(L.GRU(3))),
}


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.long] * (n != "simple")) for n in RECURRENT])
def test_a_mask_that_the_baseline_changes_is_noted_and_adds_up(name: str):
    model, x = RECURRENT[name](), padded()
    with dx.DeepExplain(model) as de:
        e = de.explain("deeplift", x, target=0)
        other = de.explain("deeplift", x, target=0, baseline=np.where(x == -1, x, 0))
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-5)
    assert np.abs(e.attributions[1, :3]).max() > 1e-3  # what is masked gets the share of its mask
    assert noted(e.notes, "the baseline changes the mask") and not noted(e.notes, "do not add up")
    np.testing.assert_allclose(other.completeness_gap, 0, atol=1e-5)
    assert not noted(other.notes, "do not add up") and not noted(other.notes, "the baseline changes the mask")


def floored(score: Any, legal: Any) -> Any:
    return tf.where(tf.cast(legal, tf.int32) > 0, score, -10.0)[:, 0]


def sorted_out(score: Any, legal: Any) -> Any:
    first = tf.argmax(tf.concat([tf.zeros_like(legal), legal], 1), 1)[:, None]
    return tf.where(first > 0, tf.tanh(score), score)[:, 0]


def in_a_branch(score: Any, legal: Any) -> Any:
    return tf.map_fn(
        lambda pair: tf.where(tf.cast(pair[1], tf.int32) > 0, pair[0], -3.0)[0],
        (score, legal),
        fn_output_signature="float32",
    )


@pytest.mark.parametrize("model", [floored, sorted_out, in_a_branch])
def test_a_condition_by_whole_numbers_that_moves_alone_is_noted(model: Callable[..., Any]):
    x = [np.full((2, 1), 2.0, "float32"), np.array([[1.0], [-1.0]], "float32")]
    e = explain(model, "deeplift", x, baseline=[x[0][0], np.array([0.0], "float32")], strict=False)
    assert abs(e.completeness_gap[0]) > 0.1 and e.completeness_gap[1] == 0
    (note,) = noted(e.notes, "do not add up")
    assert note.startswith("the attributions of 1 of 2 examples") and "Select" in note


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda x: tf.math.top_k(x, 2)[0][:, 1], "TopKV2"),
        (lambda x: tf.reduce_prod(x, 1), "Prod"),
        (lambda x: tf.atan2(x[:, 0], x[:, 1]), "Atan2"),
        (lambda x: tf.where(x[:, 0] > x[:, 1], x[:, 2], x[:, 0] ** 2), "SelectV2"),
    ],
)
def test_conventions_are_named(function: Callable[[Any], Any], op: str):
    x = RNG.normal(size=(2, 3))
    with dx.DeepExplain(function, input_signature=[tf.TensorSpec([None, 3], tf.float64)]) as de:
        verdicts = {found.type: verdict for found, verdict in de.coverage("deeplift")}
        notes = de.explain("deeplift", x, baseline=0.3).notes
        assert not noted(de.explain("integrated_gradients", x, baseline=0.3, n_steps=500).notes, "convention")
    assert verdicts[op] == "convention"
    assert any(f"({op})" in note for note in noted(notes, "is a convention"))


def normalised() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((8,)), L.Dense(8), L.LayerNormalization(), L.Dense(1)])


@pytest.mark.parametrize("method", ["integrated_gradients", "expected_gradients"])
def test_large_gaps_are_noted_with_what_helps(method: str):
    model, x = normalised(), RNG.normal(size=(4, 8)).astype("float32")
    few = {"n_steps": 2} if method == "integrated_gradients" else {"n_samples": 2, "seed": 0}
    many = {"tolerance": 0.02} if method == "integrated_gradients" else {"n_samples": 50_000, "seed": 0}
    background = {"background": 0.1 * RNG.normal(size=(3, 8))} if method == "expected_gradients" else {}
    e = explain(model, method, x, target=0, **few, **background)
    change = np.abs(e.outputs - e.baseline_outputs)
    large = (np.abs(e.completeness_gap) > 0.05 * change) & (np.abs(e.completeness_gap) > 1e-3 * np.abs(e.outputs))
    (note,) = noted(e.notes, "do not add up")
    assert note.startswith(f"the attributions of {large.sum()} of 4 examples")
    assert ("tolerance=" if method == "integrated_gradients" else "n_samples") in note
    assert not noted(explain(model, method, x, target=0, **many, **background).notes, "do not add up")


@pytest.mark.parametrize("activation", ["sigmoid", "softplus", "log_sigmoid"])
def test_relevance_beyond_measure_is_noted(activation: str):
    model = keras.Sequential([keras.Input((4,)), L.Dense(8, activation=activation), L.Dense(1)])
    x = RNG.normal(size=(2, 4)).astype("float32")
    model.layers[0].bias.assign(1e-6 - x[0] @ model.layers[0].kernel)  # gates near 0
    (note,) = noted(explain(model, "epsilon_lrp", x, target=0, epsilon=1e-12).notes, "attributions up to")
    assert "epsilon" in note
    assert not noted(explain(model, "epsilon_lrp", x, target=0, epsilon=1.0).notes, "attributions up to")


@pytest.mark.parametrize(
    "mask",
    [
        lambda x: tf.reduce_any(x != -1, 2),
        lambda x: tf.logical_not(tf.reduce_all(tf.equal(x, -1), 2)),
        lambda x: x[:, :, 0] != -1,
    ],
)
@pytest.mark.parametrize("method", in_turn(["deeplift", "integrated_gradients", "occlusion"], 3))
def test_masks_that_a_baseline_changes_are_noted(method: str, mask: Callable[[Any], Any]):
    def model(x: Any) -> Any:
        weights = tf.cast(mask(x), x.dtype)
        return tf.reduce_sum(weights * tf.reduce_sum(tf.tanh(x), 2), 1)

    x = padded()
    (note,) = noted(explain(model, method, x).notes, "the baseline changes the mask")
    assert "of 1 of 3 examples" in note
    kept = np.where(x == -1, x, 0)
    assert not noted(explain(model, method, x, baseline=kept).notes, "the baseline changes the mask")
