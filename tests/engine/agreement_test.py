"""Tests of `agreement.py`: the program is the model, and an example's numbers are its own, or the model is refused."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import KINDS, derivative, explain, in_turn
from tests.models import filled, floats

_GENERATOR = np.random.default_rng(0)
X = _GENERATOR.normal(size=(4, 6))
ROWS = _GENERATOR.normal(size=(4, 6))
W = _GENERATOR.normal(size=(6, 5))
refused = pytest.mark.parametrize("method", KINDS)


# --- other outputs than the model's -----------------------------------------------------------------------


class Counted(tf.Module):
    """A model whose output depends on how often it was called."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0.0, dtype=tf.float64)

    def __call__(self, x):
        self.calls.assign_add(1.0)
        return tf.reduce_sum(tf.tanh(x), 1) * self.calls


class Switched:
    """A model that computes something else while it is traced."""

    def __call__(self, x):
        return tf.reduce_sum(tf.tanh(x) if tf.executing_eagerly() else tf.sin(x), 1)


class Cut:
    """A model that reads a length while it is traced."""

    def __call__(self, x):
        return tf.reduce_sum(tf.tanh(x), 1, keepdims=True) * np.ones(6 if tf.executing_eagerly() else 3)


@pytest.mark.parametrize(
    ("make", "shown"), [(Counted, "off by"), (Switched, "off by"), (Cut, r"\[1, 3\] for \[1, 6\]")]
)
def test_a_program_with_other_outputs_is_refused(make, shown):
    model = make()
    with pytest.raises(dx.DeepExplainError, match=f"must give the outputs of the model's own call.*{shown}"):
        explain(model, "saliency", X, target=(0,) if make is Cut else None)
    assert not isinstance(model, Counted) or model.calls.numpy() == 0


class Growing(keras.layers.Layer):
    """A layer that gives other numbers where the length is unknown while it is traced."""

    def call(self, inputs):
        length = inputs.shape[1]
        return inputs * (2.0 if length is None else length)


@pytest.mark.parametrize("batch", in_turn([3, 1]))
@pytest.mark.parametrize("layers", [[Growing], [lambda: keras.layers.TimeDistributed(keras.layers.Dense(6))]])
def test_a_trace_with_open_lengths_is_made_again_with_those_of_the_data(layers, batch):
    with floats("float64"):
        model = filled(keras.Sequential([keras.Input((None, 6)), *(layer() for layer in layers)]))
    opened = tf.function(model, input_signature=[tf.TensorSpec([None, None, 6], tf.float64)])
    with dx.DeepExplain(model) as de:
        for length in (5, 8, 5):
            x = np.random.default_rng(length).normal(size=(batch, length, 6))
            e = de.explain("deeplift", x, target=lambda y: tf.reduce_sum(y, [1, 2]))
            np.testing.assert_allclose(e.outputs, np.sum(model(x), (1, 2)), rtol=1e-10)
            np.testing.assert_allclose(e.completeness_gap, 0, atol=1e-10)
            # An open trace that agrees stays: by chance for a length that the batch has, or with a Keras without fault.
            found, own = opened(x), model(x)
            agrees = found.shape == own.shape and np.allclose(found, own)
            assert any("traced with the lengths of the data" in note for note in e.notes) or agrees


def test_a_model_that_is_sensitive_to_rounding_agrees():
    w = _GENERATOR.normal(size=(6, 4000)).astype(np.float32)

    def model(x):
        hidden = tf.tanh(x @ w)  # large sums that almost cancel
        return 1e4 * tf.reduce_sum(hidden, 1) - 1e4 * tf.reduce_sum(hidden[:, ::-1], 1)

    assert np.isfinite(explain(model, "saliency", X.astype(np.float32)).attributions).all()


# --- rows that are no examples ----------------------------------------------------------------------------


def centred(x):
    hidden = tf.tanh(x @ W)
    return tf.reduce_sum((hidden - tf.reduce_mean(hidden, 0, keepdims=True)) ** 2, 1)


def scaled(x):
    return tf.reduce_sum(tf.tanh(x @ W), 1) * tf.cast(tf.shape(x)[0], x.dtype)


def normalised(x):
    mean, variance = tf.nn.moments(x, [0])
    return tf.reduce_sum(tf.tanh((x - mean) / tf.sqrt(variance + 1e-3)) * W[:, 0], 1)


def ranked(x):
    return tf.reduce_sum(tf.cast(tf.argsort(tf.argsort(x, 0), 0), x.dtype) * x, 1)


def summed_so_far(x):
    return tf.reduce_sum(tf.tanh(tf.cumsum(x, 0)) * W[:, 0], 1)


def until_the_largest_is_done(x):
    steps = tf.reduce_max(tf.reduce_sum(tf.abs(x), 1))

    def step(number, y):
        return number + 1, tf.tanh(1.1 * y)

    return tf.reduce_sum(tf.while_loop(lambda n, _: tf.cast(n, x.dtype) < steps, step, [0, x])[1], 1)


MIXING = {
    centred: "Mean at",
    scaled: "Cast at",
    normalised: "Mean at",
    ranked: " at ",
    summed_so_far: "Cumsum at",
    until_the_largest_is_done: "Max at",
}


@refused
@pytest.mark.parametrize("model", MIXING)
def test_a_model_that_mixes_the_examples_is_refused_by_the_op(model, method):
    if method == "deeplift" and model in (ranked, until_the_largest_is_done):
        method = "saliency"  # DeepLIFT refuses an index or a condition that depends on the input, before this
    with pytest.raises(dx.DeepExplainError, match=f"each example by itself.*{MIXING[model]}"):
        explain(model, method, X)


@pytest.mark.parametrize("model", [centred, scaled, until_the_largest_is_done])
def test_mixing_is_seen_with_one_example(model):
    with pytest.raises(dx.DeepExplainError, match="each example by itself"):
        explain(model, "integrated_gradients", X[:1])
    alone = explain(model, "gradient_x_input", X[:1])  # one pass over one example mixes nothing
    np.testing.assert_allclose(alone.attributions, X[:1] * derivative(model, X[:1]), rtol=1e-12)


def weighted(x):
    return tf.reduce_sum(tf.tanh(x) * ROWS, 1)


def shifted(x):
    return tf.reduce_sum(tf.tanh(x + tf.constant(ROWS)), 1)


_TABLE = tf.Variable(ROWS)


def looked_up(x):
    return tf.reduce_sum(tf.tanh(x) * tf.gather(_TABLE, tf.range(tf.shape(x)[0]) % 4), 1)


def numbered(x):
    return tf.reduce_sum(tf.tanh(x), 1) * tf.cast(tf.range(1, tf.shape(x)[0] + 1), x.dtype)


@pytest.mark.parametrize(
    ("model", "method"),
    [
        *((model, method) for model in (looked_up, numbered) for method in KINDS),
        *((model, method) for model in (weighted, shifted) for method in ("integrated_gradients", "occlusion")),
    ],
)
def test_rows_that_are_bound_to_their_place_are_refused(model, method):
    with pytest.raises(dx.DeepExplainError, match="each example by itself"):
        explain(model, method, X)


@pytest.mark.parametrize("model", [weighted, shifted])
def test_rows_that_keep_their_place_are_explained_there(model):
    """A method of one pass evaluates the whole batch once."""
    found = explain(model, "gradient_x_input", X)
    np.testing.assert_allclose(found.attributions, X * derivative(model, X), rtol=1e-12)
    found = explain(model, "deeplift", X)
    np.testing.assert_allclose(found.outputs, model(tf.constant(X)), rtol=1e-12)
    np.testing.assert_allclose(found.completeness_gap, 0, atol=1e-12)
    with pytest.raises(dx.DeepExplainError):
        explain(model, "deeplift", np.concatenate([X, X[:1]]))


def test_mixing_in_a_fixed_batch_is_refused_for_methods_of_one_pass_too():
    def model(x):
        return tf.reduce_sum((tf.tanh(x) - tf.reduce_mean(tf.tanh(x), 0)) * ROWS, 1)

    with pytest.raises(dx.DeepExplainError, match="each example by itself"):
        explain(model, "gradient_x_input", X)


def test_a_state_for_each_row_is_refused_where_rows_move():
    with floats("float64"):
        inputs = keras.Input(batch_shape=(2, 3, 6))
        model = filled(keras.Model(inputs, keras.layers.Dense(1)(keras.layers.GRU(3, stateful=True)(inputs))))
    x = _GENERATOR.normal(size=(2, 3, 6))
    with dx.DeepExplain(model) as de:
        before = de.explain("deeplift", x)
        np.testing.assert_allclose(before.outputs, de.explain("deeplift", x).outputs)  # the state is as it was
        np.testing.assert_allclose(before.outputs, np.array(model(x))[:, 0])
        after = de.explain("deeplift", x)
        np.testing.assert_allclose(after.completeness_gap, 0, atol=1e-12)
        with pytest.raises(dx.DeepExplainError, match="each example by itself"):
            de.explain("integrated_gradients", x)
    np.testing.assert_allclose(after.outputs, np.array(model(x))[:, 0])


def test_a_fixed_batch_of_independent_rows_is_explained():
    with floats("float64"):
        inputs = keras.Input(batch_shape=(3, 6))
        model = filled(keras.Model(inputs, keras.layers.Dense(1, "tanh")(inputs)))
    for count in (1, 2, 3, 4):
        e = explain(model, "deeplift", X[:count])
        np.testing.assert_allclose(e.outputs, np.tanh(X @ model.layers[1].kernel + model.layers[1].bias)[:count, 0])


# --- targets ----------------------------------------------------------------------------------------------


_LABELS = np.array([2, 0, 1, 1])


def own_class(outputs):
    return tf.gather(outputs, _LABELS, batch_dims=1)


def own_weights(outputs):
    return tf.reduce_sum(outputs * ROWS[:, :5], 1)


def from_the_mean(outputs):
    return outputs[:, 0] - tf.reduce_mean(outputs[:, 0])


@refused
@pytest.mark.parametrize("target", [own_class, own_weights, from_the_mean])
@pytest.mark.parametrize("chunk", [None, 4])
def test_a_target_of_other_examples_is_refused_as_a_target(target, method, chunk):
    with pytest.raises(dx.DeepExplainError, match=r"target .* must .*(one number for each example|\[batch\])"):
        explain(lambda x: tf.tanh(x @ W), method, X, target=target, chunk_size=chunk)


# --- what the check leaves as it was ----------------------------------------------------------------------


def test_the_check_is_made_once_for_each_shape():
    calls = []

    def model(x):
        calls.append(tf.executing_eagerly())
        return tf.reduce_sum(tf.tanh(x), 1)

    with dx.DeepExplain(model, input_signature=[tf.TensorSpec([None, None], tf.float64)]) as de:
        for x in (X, X[:2], X[:, :3], X, X[:, :3]):
            de.explain("saliency", x)
        de.explain("deeplift", X)
    assert calls == [False, True, True]


def test_variables_that_the_model_assigns_keep_their_values():
    with floats("float64"):
        layer = keras.layers.BatchNormalization()
        layer.build((None, 6))
    before = [np.array(variable) for variable in layer.variables]
    with pytest.raises(dx.DeepExplainError, match="each example by itself"):
        explain(lambda x: tf.reduce_sum(tf.tanh(layer(x, training=True)), 1), "saliency", X)
    for variable, value in zip(layer.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_model_that_fails_is_reported_by_its_own_error():
    with pytest.raises(dx.DeepExplainError, match="model must run"):
        explain(
            lambda x: tf.reduce_sum(tf.debugging.check_numerics(tf.math.log(x - 9.0), "not a number"), 1), "saliency", X
        )
