"""Tests of `metrics/evaluation.py`: how a function is called."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.metrics.arguments import Examples
from deepexplain_tf.metrics.evaluation import Function
from tests.checks import pairs_in_turn
from tests.models import filled

X = np.random.default_rng(0).normal(size=(5, 3))
STEPS = np.arange(7.0)


def shifted(rows):
    """Points x + step, for one input."""
    return [rows.per_example[0] + tf.gather(rows.shared[0], rows.point)[:, tf.newaxis]]


def values(fn, chunk_size=None):
    function = Function(fn, Examples.read(X), chunk_size)
    return function.evaluation(shifted)(len(STEPS), [X], shared=[STEPS])


EXPECTED = ((X[:, np.newaxis] + STEPS[:, np.newaxis]) ** 2).sum(2)
FUNCTIONS = {
    "tensorflow": lambda x: tf.reduce_sum(x**2, 1),
    "column": lambda x: tf.reduce_sum(x**2, 1, keepdims=True),
    "numpy": lambda x: np.asarray(x.sum(1) * 0 + (x**2).sum(1)),
    "with_example": lambda x, example: tf.reduce_sum(x**2, 1) + 0 * tf.cast(example, x.dtype),
    "numpy_with_example": lambda x, example: (x**2).sum(1) + 0 * example,
    "function": tf.function(lambda x: tf.reduce_sum(x**2, 1)),
    "function_with_example": tf.function(lambda x, example: tf.reduce_sum(x**2, 1)),
    "optional": lambda x, training=False: tf.reduce_sum(x**2, 1),
}


@pytest.mark.parametrize(("name", "chunk_size"), pairs_in_turn(itertools.product(FUNCTIONS, [None, 2, 8]), 2))
def test_every_kind_of_function_in_every_chunk(name, chunk_size):
    np.testing.assert_allclose(values(FUNCTIONS[name], chunk_size), EXPECTED, rtol=1e-12)


def test_a_keras_model():
    model = filled(keras.Sequential([keras.Input((3,), dtype="float64"), keras.layers.Dense(1, dtype="float64")]))
    expected = (X[:, np.newaxis] + STEPS[:, np.newaxis]) @ model.layers[0].kernel.numpy() + model.layers[0].bias.numpy()
    np.testing.assert_allclose(values(model), expected[..., 0], rtol=1e-12)


@pytest.mark.parametrize("to_numpy", [False, True])
def test_a_function_of_the_inputs_alone_gets_the_whole_batch_in_its_order(to_numpy):
    labels, own = np.array([0, 2, 1, 1, 0]), np.arange(5.0)

    def plain(x):
        assert x.shape == (5, 3)
        return x[np.arange(5), labels] * own

    def graph(x):
        return tf.gather(x, labels, axis=1, batch_dims=1) * own

    found = values(plain if to_numpy else graph)
    np.testing.assert_allclose(found, (X[np.arange(5), labels][:, np.newaxis] + STEPS) * own[:, np.newaxis])


@pytest.mark.parametrize("to_numpy", [False, True])
def test_a_function_of_examples_is_told_which(to_numpy):
    labels = np.array([0, 2, 1, 1, 0])

    def plain(x, example):
        return x[np.arange(len(x)), labels[example]]

    def graph(x, example):
        return tf.gather(x, tf.gather(labels, example), axis=1, batch_dims=1)

    found = values(plain if to_numpy else graph, chunk_size=3)
    np.testing.assert_allclose(found, X[np.arange(5), labels][:, np.newaxis] + STEPS)


@pytest.mark.parametrize("kind", ["graph", "late", "numpy"])
def test_labels_of_the_whole_batch_do_not_fit_a_slice(kind):
    labels = np.array([0, 2, 1, 1, 0])
    fn = {
        "graph": lambda x: tf.reduce_sum(x * tf.one_hot(labels, 3, dtype=x.dtype), 1),
        "late": lambda x: tf.gather(x, labels, axis=1, batch_dims=1),
        "numpy": lambda x: x[np.arange(len(x)), labels],
    }[kind]
    with pytest.raises(dx.DeepExplainError, match=r"fn\(inputs\) must take any 2 of the 5 examples.*fn\(inputs, exam"):
        values(fn, chunk_size=2)


def test_is_traced_once():
    traces = []

    def fn(x):
        traces.append(x.shape)
        return tf.reduce_sum(x, 1)

    dx.metrics.sensitivity_n(fn, X, {"a": X, "b": X}, n=[1, 2], seed=0)
    assert traces == [(5, 3)]


def test_points_of_their_own():
    """`each` reaches the row of its example and number."""
    each = np.random.default_rng(1).normal(size=(5, 7, 3))
    for fn, chunk_size in [("tensorflow", None), ("tensorflow", 2), ("with_example", 4), ("numpy", 3)]:
        function = Function(FUNCTIONS[fn], Examples.read(X), chunk_size).evaluation(lambda rows: rows.per_point)
        found = function(7, [], per_point=[each])
        np.testing.assert_allclose(found, (each**2).sum(2), rtol=1e-12)


@pytest.mark.parametrize(
    ("fn", "kind", "words"),
    [
        (3, TypeError, "fn is a function of inputs"),
        (lambda a, b, c: a, TypeError, "fn is a function of inputs, or of inputs and example"),
        (lambda x: x, dx.DeepExplainError, r"fn must return one float for each row, \[5\]. Got float64 \(5, 3\)"),
        (lambda x: x[:, :, None], dx.DeepExplainError, "fn must return one float for each row"),
        (lambda x: tf.reduce_sum(x), dx.DeepExplainError, "fn must return one float for each row"),
        (lambda x: x[:3, 0], dx.DeepExplainError, "fn must return one float for each row"),
        (lambda x: tf.argmax(x, 1), dx.DeepExplainError, r"Got int64 \(5,\)"),
        (lambda x: None, dx.DeepExplainError, "Got NoneType"),
        (lambda x: {"logits": x[:, 0]}, dx.DeepExplainError, "Got dict"),
        (lambda x: x.sum(0), dx.DeepExplainError, "fn must return one float for each row"),
        (lambda x: x[:, 0] * np.nan, dx.DeepExplainError, "fn must be finite"),
        (lambda x: tf.matmul(x, x), dx.DeepExplainError, "fn must run on the inputs that a metric makes"),
        (lambda x: x.absent(), dx.DeepExplainError, "fn must run on the inputs that a metric makes.* AttributeError"),
        (lambda x: tf.gather(x[0], 100 + tf.zeros([5], tf.int32)), dx.DeepExplainError, "fn must run on the inputs"),
    ],
)
def test_wrong_functions(fn, kind, words):
    with pytest.raises(kind, match=words) as caught:
        values(fn)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("chunk_size", [0, -1, 2.0, True, "8"])
def test_chunk_size(chunk_size):
    with pytest.raises(dx.DeepExplainError, match="chunk_size must be a whole number ≥ 1"):
        values(FUNCTIONS["tensorflow"], chunk_size)
