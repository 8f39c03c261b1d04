"""Tests of `methods/model_draws.py`: the mean over the draws of a random model, against a plain loop over them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import OptionError, TargetError, UnsupportedOpError
from deepexplain_tf.objective.laws import normal, uniform
from tests.checks import derivative, explain, message_of
from tests.models import filled, floats

L = keras.layers
_SEED, _SAMPLES = 5, 4
_GENERATOR = np.random.default_rng(0)
_X = _GENERATOR.normal(size=(3, 6))
_W, _B, _V = (_GENERATOR.normal(size=shape) for shape in ((6, 4), (4,), (4,)))
_NOISE = dx.noise("model", n_samples=_SAMPLES, seed=_SEED)


def _key(number: int, seed: int = _SEED) -> tf.Tensor:
    key = np.random.default_rng(seed).integers(2**64 - 1, size=1, dtype=np.uint64, endpoint=True)[0]
    return tf.constant(key) + tf.constant(number, tf.uint64)


def _draws(law: Any, number: int, shape: tuple[int, ...], samples: int = _SAMPLES) -> list[np.ndarray]:
    """Returns the draws of the op with this number."""
    sizes = tf.constant(shape, tf.int32)
    return [law(_key(number), tf.constant(sample), sizes, tf.float64).numpy() for sample in range(samples)]


def _model(x: tf.Tensor) -> tf.Tensor:
    """Dropout of the inputs, each row by itself, random weights for all rows, and noise."""
    kept = tf.cast(tf.random.uniform(tf.shape(x), dtype=x.dtype) >= 0.4, x.dtype)
    weights = _W + 0.3 * tf.random.normal(_W.shape, dtype=x.dtype)
    return tf.tanh((x * kept) @ weights + _B) @ _V[:, np.newaxis]


def _by_draw() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns outputs, outputs at zeros and gradient times input for each draw, by NumPy."""
    found = []
    for u, n in zip(_draws(uniform, 0, (6,)), _draws(normal, 1, _W.shape), strict=True):
        kept, weights = (u >= 0.4).astype(float), _W + 0.3 * n
        hidden = np.tanh((_X * kept) @ weights + _B)
        gradient = ((1 - hidden**2) * _V) @ weights.T * kept
        found.append((hidden @ _V, np.tanh(_B) @ _V, _X * gradient))
    return found


def test_it_is_the_mean_over_the_draws():
    outputs, starts, values = (np.stack(parts) for parts in zip(*_by_draw(), strict=True))
    e = explain(_model, "gradient_x_input", _X, noise=_NOISE)
    np.testing.assert_allclose(e.attributions, values.mean(0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(e.standard_error, values.std(0, ddof=1) / np.sqrt(_SAMPLES), rtol=0, atol=1e-12)
    np.testing.assert_allclose(e.outputs, outputs.mean(0), rtol=0, atol=1e-12)
    assert e.completeness_gap is None and e.baseline_outputs is None
    assert any("draw by number" in note and ": 2; the model's own" in note for note in e.notes)
    complete = explain(_model, "deeplift", _X, noise=_NOISE)
    np.testing.assert_allclose(complete.outputs, outputs.mean(0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(complete.baseline_outputs, starts.mean(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(complete.attributions.sum(1), (outputs - starts[:, None]).mean(0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(complete.completeness_gap, 0, atol=1e-12)


def test_dropout_of_keras_converges_to_the_mean_of_its_own_gradients():
    """The model's own draws, which are others, and one for each row."""
    with floats("float64"):
        layers = [L.Dense(8, "tanh"), L.Dropout(0.4), L.Dense(6, "tanh"), L.GaussianNoise(0.5), L.Dense(1)]
        network = filled(keras.Sequential([keras.Input((6,)), *layers]))
        network.set_weights([2 * weight for weight in network.get_weights()])
    random = lambda x: network(x, training=True)  # noqa: E731
    e = explain(random, "gradient_x_input", _X[:1], noise=dx.noise("model", n_samples=1500, seed=1))
    rows = np.repeat(_X[:1], 6000, axis=0)
    own = rows * derivative(random, rows)
    error = np.hypot(own.std(0) / np.sqrt(len(own)), e.standard_error[0])
    assert (np.abs(e.attributions[0] - own.mean(0)) < 5 * error).all()
    assert (error > 0).all() and (np.abs(own.mean(0)) > 5 * error).any()
    np.testing.assert_allclose(e.standard_error[0], own.std(0) / np.sqrt(1500), rtol=0.2)


def test_a_layer_behind_a_draw_is_explained_at_each_of_its_values():
    class Always(L.GaussianNoise):
        def call(self, inputs: Any, training: Any = None) -> Any:
            return super().call(inputs, training=True)

    with floats("float64"):
        layers = [Always(0.3), L.Dense(4, "tanh", name="hidden"), L.Dense(2, "tanh")]
        model = filled(keras.Sequential([keras.Input((6,)), *layers]))
    (weights, bias), (out, shift) = (layer.get_weights() for layer in model.layers[-2:])
    expected, outputs = [], []
    for n in _draws(normal, 0, (6,)):
        hidden = np.tanh((_X + 0.3 * n) @ weights + bias)
        output = np.tanh(hidden @ out + shift)[:, 1]
        expected.append(hidden * (1 - output[:, None] ** 2) * out[:, 1])
        outputs.append(output)
    e = explain(model, "gradient_x_input", _X, layer="hidden", target=1, output="model", noise=_NOISE)
    np.testing.assert_allclose(e.attributions, np.mean(expected, 0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(e.outputs, np.mean(outputs, 0), rtol=0, atol=1e-12)


@pytest.mark.long  # that nothing is left inside the loop: tests/objective/redraw_test.py
def test_recurrent_dropout_is_drawn_outside_of_the_loop():
    with floats("float64"):
        layer = L.LSTM(3, dropout=0.4, recurrent_dropout=0.3)
        model = filled(keras.Sequential([keras.Input((5, 2)), layer]))
    x = _GENERATOR.normal(size=(3, 5, 2))
    with dx.DeepExplain(lambda x: tf.reduce_sum(model(x, training=True), 1)) as de:
        explainer = de.explainer("deeplift", noise=_NOISE)
        e = explainer(x)
        np.testing.assert_allclose(explainer(x[:1]).attributions, e.attributions[:1], rtol=0, atol=1e-13)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    assert (e.standard_error > 0).any()


def test_batches_chunks_seeds_and_graphs():
    with dx.DeepExplain(_model, input_signature=[tf.TensorSpec([None, 6], tf.float64)]) as de:
        explainer = de.explainer("gradient_x_input", noise=_NOISE)
        inside = tf.function(
            lambda x: explainer(x).attributions, input_signature=[tf.TensorSpec([None, 6], tf.float64)]
        )
        first = inside(_X)  # before any eager call: shapes alone tell the batch
        expected = explainer(_X)
        for sizes in ({"batch_size": 1}, {"chunk_size": 1}, {"batch_size": 2, "chunk_size": 3}):
            found = explainer(_X, **sizes)
            np.testing.assert_allclose(found.attributions, expected.attributions, rtol=0, atol=1e-13)
            np.testing.assert_allclose(found.standard_error, expected.standard_error, rtol=0, atol=1e-13)
        np.testing.assert_allclose(explainer(_X[::-1]).attributions[::-1], expected.attributions, rtol=0, atol=1e-13)
        np.testing.assert_allclose(first, expected.attributions, rtol=0, atol=1e-13)
        assert inside(_X[:0]).shape == (0, 6)
        before = explainer.n_traces
        more = explainer(_X, noise=dx.noise("model", n_samples=7, seed=_SEED))
        assert explainer.n_traces == before
        assert np.abs(more.attributions - expected.attributions).max() > 1e-3
        seeded = lambda own, call: explainer(_X, seed=call, noise=dx.noise("model", n_samples=3, seed=own))  # noqa: E731
        np.testing.assert_array_equal(seeded(2, None).attributions, seeded(None, 2).attributions)
        assert np.abs(seeded(2, None).attributions - seeded(3, 2).attributions).max() > 1e-3
        assert np.isnan(explainer(_X, noise=dx.noise("model", n_samples=1)).standard_error).all()


def test_a_loss_may_contain_it():
    scale = tf.Variable(1.5, dtype=tf.float64)
    random = lambda x: _model(x * scale)  # noqa: E731
    with dx.DeepExplain(random, input_signature=[tf.TensorSpec([None, 6], tf.float64)]) as de:
        explainer = de.explainer("gradient_x_input", noise=_NOISE)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(explainer(_X, tensors=True).attributions ** 2)
        found, ends = tape.gradient(loss, scale), []
        for change in (1e-6, -2e-6):
            scale.assign_add(change)
            ends.append((explainer(_X).attributions ** 2).sum())
    assert float(found) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


@pytest.mark.long  # compiles a derivative through two loops
@pytest.mark.parametrize("method", ["integrated_gradients", "gradient_x_input", "idgi"])
def test_xla_differentiates_it_too(method: str):
    scale = tf.Variable(1.5, dtype=tf.float64)
    random = lambda x: _model(x * scale)  # noqa: E731
    options = {} if method == "gradient_x_input" else {"n_steps": 4}
    with dx.DeepExplain(random, input_signature=[tf.TensorSpec([None, 6], tf.float64)]) as de:
        explainer = de.explainer(method, noise=_NOISE, **options)

        def slope(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(explainer(x).attributions ** 2)
            return tape.gradient(loss, scale)

        plain, compiled = (tf.function(slope, jit_compile=jit)(tf.constant(_X)) for jit in (False, True))
    assert float(compiled) == pytest.approx(float(plain), rel=1e-10)


def test_the_predicted_class_of_a_draw_is_no_target():
    random = lambda x: tf.nn.softmax(tf.nn.dropout(x, 0.5) @ _W)  # noqa: E731
    with dx.DeepExplain(random) as de:
        message_of(lambda: de.explain("deeplift", _X, noise=_NOISE), TargetError, "target must be given", "mean output")
        every = de.explain("deeplift", _X, target="all", noise=_NOISE)
        one = de.explain("deeplift", _X, target=2, noise=_NOISE)
        of_class = de.explain("deeplift", _X, target=lambda outputs: outputs[:, 2], noise=_NOISE)
    np.testing.assert_allclose(every.attributions[:, 2], one.attributions, rtol=0, atol=1e-13)
    np.testing.assert_allclose(of_class.attributions, one.attributions, rtol=0, atol=1e-13)


class Weights(L.Layer):
    """Random weights for all rows, from a seed of Keras; its numbers are the same in all runs of one trace."""

    def __init__(self) -> None:
        super().__init__()
        self.seeds = keras.random.SeedGenerator(3)

    def call(self, x: Any) -> Any:
        return x @ keras.random.normal((6, 1), dtype=x.dtype, seed=self.seeds)


@pytest.mark.parametrize("freeze", [False, pytest.param(True, marks=pytest.mark.long)])  # the same way
def test_a_seed_that_the_model_moves_is_refused_without_it(freeze: bool):
    with floats("float64"):
        model = keras.Sequential([keras.Input((6,)), Weights(), L.Activation("tanh")])
    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift", freeze=freeze)
        message_of(lambda: explainer(_X), UnsupportedOpError, "StatelessRandomNormalV2", 'noise=dx.noise("model")')
        before = model.layers[0].seeds.state.numpy()
        e = explainer(_X, noise=_NOISE)
        np.testing.assert_array_equal(model.layers[0].seeds.state.numpy(), before)
    np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-12)
    assert (e.standard_error > 0).all()


def test_what_does_not_fit_is_refused_by_name():
    quiet = lambda x: tf.reduce_sum(tf.tanh(x), 1)  # noqa: E731
    message_of(lambda: explain(quiet, "deeplift", _X, noise=_NOISE), OptionError, "draws none", "training=True")
    message_of(
        lambda: explain(_model, "deeplift", _X, noise=dx.noise("smoothgrad")), UnsupportedOpError, 'dx.noise("model")'
    )
    given = {"noise": _NOISE, "tolerance": 0.1}
    message_of(lambda: explain(_model, "integrated_gradients", _X, **given), OptionError, "tolerance must be left out")
    mixing = lambda x: _model(x) * tf.reduce_mean(x)  # noqa: E731
    message_of(lambda: explain(mixing, "deeplift", _X, noise=_NOISE), dx.DeepExplainError, "example by itself", "Mean")
    target = lambda outputs: outputs[:, 0] * tf.random.uniform([], dtype=outputs.dtype)  # noqa: E731
    words = ("not of a target", "RandomUniform")
    message_of(lambda: explain(_model, "deeplift", _X, target=target, noise=_NOISE), UnsupportedOpError, *words)
    fixed = {"input_signature": [tf.TensorSpec([3, 6], tf.float64)]}
    message_of(lambda: explain(_model, "deeplift", _X, noise=_NOISE, **fixed), UnsupportedOpError, "an open batch")
    with dx.DeepExplain(_model, input_signature=[tf.TensorSpec([None, 6], tf.float64)]) as de:
        message_of(lambda: de.audit("deeplift", _X, noise=_NOISE), OptionError, "noise")
        assert "draws numbers" not in str(de.coverage("deeplift", noise=_NOISE))
