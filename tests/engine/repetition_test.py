"""Tests of `engine/repetition.py`: repeated calls give the numbers of calls that are prepared anew."""

import gc
from typing import Any
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.engine import repetition
from deepexplain_tf.errors import InputError
from tests.checks import message_of
from tests.models import filled, mlp

L = keras.layers
_X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The inputs of all calls that are prepared."""
    seen: list[Any] = []
    whole = repetition.prepare

    def noted(engine: Any, method: Any, inputs: Any, **arguments: Any) -> Any:
        seen.append(inputs)
        return whole(engine, method, inputs, **arguments)

    monkeypatch.setattr(repetition, "prepare", noted)
    return seen


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("gradient_x_input", {"target": 1}),
        ("deeplift", {"target": (2,), "baseline": 0.5}),
        ("integrated_gradients", {"target": 0, "n_steps": 3}),
        ("occlusion", {"target": 0}),
        ("saliency", {"target": None}),  # the predicted class is that of each call's inputs
        ("gradient_x_input", {"target": 1, "seed": 3, "noise": dx.noise("smoothgrad", 0.1, 3)}),
    ],
)
def test_a_repeated_call_is_prepared_once_and_has_the_same_numbers(prepared: list[Any], method: str, options: Any):
    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer(method, **options)
        found = [explainer(scale * _X) for scale in (1, -2, 3)]
        assert len(prepared) == 1
        assert found == [de.explain(method, scale * _X, **options) for scale in (1, -2, 3)]
        assert explainer(_X[:2]) == de.explain(method, _X[:2], **options)  # another form


@pytest.mark.parametrize(
    ("options", "inputs"),
    [
        ({"target": np.array([0, 1, 2, 0, 1])}, _X),
        ({"target": lambda outputs: outputs[:, 0]}, _X),
        ({"target": 1}, tf.constant(_X)),
        ({"target": 1}, _X.astype(np.float64)),  # which is cast
    ],
    ids=["array", "function", "tensor", "cast"],
)
def test_what_may_change_is_read_anew(prepared: list[Any], options: Any, inputs: Any):
    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer("gradient_x_input", **options)
        explainer(inputs), explainer(inputs)
    assert len(prepared) == 2


def test_arrays_of_the_user_are_read_anew():
    baseline, target = np.zeros((1, 4), np.float32), np.array([0, 0, 0, 0, 0])
    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer("deeplift", target=target, baseline=baseline)
        explainer(_X)
        baseline += 1
        target += 1
        assert explainer(_X) == de.explain("deeplift", _X, target=target.copy(), baseline=1.0)


def test_numbers_are_checked_at_each_call():
    with dx.DeepExplain(mlp()) as de:
        explainer = de.explainer("saliency", target=0)
        explainer(_X)
        for wrong in (np.nan, np.inf):
            message_of(lambda value=wrong: explainer(np.full_like(_X, value)), InputError, "must be finite")
    letters = np.eye(4, dtype=np.float32)[None, [0, 1, 2]]
    with dx.DeepExplain(filled(keras.Sequential([keras.Input((3, 4)), L.Flatten(), L.Dense(2)]))) as de:
        explainer = de.explainer("deeplift", target=0, hypothetical=True)
        explainer(letters)
        message_of(lambda: explainer(letters * 2), InputError, "one")


def test_results_follow_training_and_leave_tapes_alone():
    model = mlp()
    with dx.DeepExplain(model) as de:
        explainer = de.explainer("gradient_x_input", target=0)
        before = explainer(_X)
        model.layers[-1].bias.assign(model.layers[-1].bias + 1)
        np.testing.assert_allclose(explainer(_X).outputs, before.outputs + 1, rtol=1e-6)
        with tf.GradientTape() as tape:
            e = explainer(_X, tensors=True)
        assert tape.gradient(e.outputs, model.trainable_variables[-1]) is not None
        with tf.GradientTape():
            assert any("tensors=True" in note for note in explainer(_X).notes)
        inside = tf.function(lambda x: explainer(x).attributions)
        np.testing.assert_allclose(inside(tf.constant(_X)), explainer(_X).attributions, rtol=1e-6)


def test_a_repeated_call_keeps_no_example():
    with dx.DeepExplain(mlp()) as de:
        explainer, x = de.explainer("saliency", target=0), _X.copy()
        explainer(x)
        kept = weakref.ref(x)
        del x
        gc.collect()
        assert kept() is None
