"""Tests of `callbacks.py`: what TensorBoard's own reader finds after a training."""

import collections
import io
import os

import keras
import numpy as np
from PIL import Image
import pytest
from tensorboard.backend.event_processing import event_accumulator
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, UnknownNameError
from tests.checks import explain, message_of

R = np.random.default_rng(0)
X = R.normal(size=(3, 4)).astype(np.float32)


def _model(seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6, "tanh"), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def _fit(model, *callbacks, epochs=4):
    x = np.tile(X, (10, 1))
    model.fit(x, np.arange(30) % 2, epochs=epochs, verbose=0, shuffle=False, callbacks=list(callbacks))


def _events(folder):
    """Returns tag → list of (step, value) as TensorBoard reads them."""
    accumulator = event_accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    found = collections.defaultdict(list)
    for tag in accumulator.Tags()["tensors"]:
        for event in accumulator.Tensors(tag):
            found[tag].append((event.step, tf.make_ndarray(event.tensor_proto)))
    return dict(found)


def test_explanations_before_training_and_each_second_epoch(tmp_path):
    model, before = _model(), explain(_model(), "deeplift", X, target=1)
    why = dx.callbacks.Explain(X, "deeplift", every=2, log_dir=tmp_path, target=1)
    _fit(model, why)
    events = _events(tmp_path)
    pictures = {f"deeplift/{number}" for number in range(3)}
    assert events.keys() == pictures | {f"deeplift/{name}" for name in ("attributions", "output", "gap", "change")}
    assert all([step for step, _ in found] == [0, 2, 4] for found in events.values())
    after = explain(model, "deeplift", X, target=1)
    np.testing.assert_allclose(why.explanation.attributions, after.attributions, rtol=1e-5, atol=1e-6)
    for e, place in ((before, 0), (after, -1)):
        assert events["deeplift/output"][place][1] == pytest.approx(e.outputs.mean(), rel=1e-4)
        change = np.abs(e.outputs - e.baseline_outputs).mean()
        assert events["deeplift/change"][place][1] == pytest.approx(change, rel=1e-4)
        assert events["deeplift/gap"][place][1] < 1e-5
    counts = [found[:, 2].sum() for _, found in events["deeplift/attributions"]]
    assert counts == [12, 12, 12]


def test_pictures_are_those_of_the_explanation(tmp_path):
    why = dx.callbacks.Explain(X, "saliency", log_dir=tmp_path, target=0)
    _fit(_model(), why, epochs=1)
    _, (width, height, encoded) = _events(tmp_path)["saliency/2"][-1]
    drawn = Image.open(io.BytesIO(encoded)).convert("RGB")
    np.testing.assert_array_equal(drawn, why.explanation.plot(example=2))
    assert (int(width), int(height)) == drawn.size


def test_weights_are_followed_without_another_trace(tmp_path):
    traces = []

    class Count(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            traces.append(why._explainer.n_traces)

    why = dx.callbacks.Explain(X, "integrated_gradients", log_dir=tmp_path, target=1, n_steps=4)
    _fit(_model(), why, Count())
    assert len(set(traces)) == 1


@pytest.mark.long  # the callback reads weights, and the other tests see them trained
def test_the_training_is_the_same_as_without(tmp_path):
    with_it, without = _model(), _model()
    _fit(with_it, dx.callbacks.Explain(X, "shapley_sampling", log_dir=tmp_path, target=1, n_samples=2))
    _fit(without)
    for a, b in zip(with_it.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_layers_names_and_other_pictures(tmp_path):
    photos = R.integers(0, 256, (2, 8, 8, 3), np.uint8)
    layers = [keras.layers.Conv2D(2, 3, name="conv"), keras.layers.GlobalMaxPool2D(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.compile("sgd", "mse")
    x = photos / np.float32(255) - 0.5
    why = dx.callbacks.Explain(x, "grad_cam", log_dir=tmp_path, target=0, images=photos)
    at = dx.callbacks.Explain(x, "deeplift", log_dir=tmp_path / "at", target="all", layer="conv")
    model.fit(x, np.zeros((2, 2)), epochs=1, verbose=0, callbacks=[why, at])
    assert why.explanation.plot(inputs=photos).size == (8, 8)
    assert at.explanation.attributions.shape == (2, 2, 6, 6, 2)
    assert [step for step, _ in _events(tmp_path / "at")["deeplift/0"]] == [0, 1]


def test_what_is_refused_before_the_training(tmp_path):
    for every in (0, 1.5, True, None):
        message_of(
            lambda every=every: dx.callbacks.Explain(X, every=every, log_dir=tmp_path), OptionError, "every must be"
        )
    message_of(lambda: dx.callbacks.Explain(X, "deep_lift", log_dir=tmp_path), UnknownNameError, "deeplift")
    model = _model()
    weights = model.get_weights()
    why = dx.callbacks.Explain(X, "deeplift", log_dir=tmp_path, target=7)
    with pytest.raises(ValueError, match="target must lie in"):
        _fit(model, why)
    for a, b in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert os.listdir(tmp_path) == []
