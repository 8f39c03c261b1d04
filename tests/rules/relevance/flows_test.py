"""How relevance flows through what is no layer: functions, sums, means, maxima, products, loops."""

import keras
from keras import layers as L
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests.checks import explain

_X = np.array([[1.0, -2.0, 0.5, 3.0], [-1.0, 0.25, 2.0, -0.5]])


def _relevance(model, x=_X, target=None, **options):
    options = {"composite": "epsilon", **options}
    weights = np.ones(np.asarray(model(tf.constant(x))).shape[1:])[None] if target is None else target
    signature = [tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
    return explain(model, "lrp", x, target=weights, output="model", input_signature=signature, **options)


@pytest.mark.parametrize(
    "function", [tf.nn.relu, tf.tanh, tf.nn.silu, tf.nn.gelu, tf.exp, tf.square, lambda x: -x, tf.abs, tf.stop_gradient]
)
def test_a_function_of_one_number_passes_relevance_on(function):
    e = _relevance(function)
    np.testing.assert_allclose(e.attributions, np.asarray(function(tf.constant(_X))), rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.reshape(x, [-1, 2, 2]),
        lambda x: tf.concat([x[:, 2:], x[:, :2], x[:, :1]], 1),
        lambda x: tf.pad(tf.gather(x, [3, 0, 0], axis=1), [[0, 0], [1, 1]]),
        lambda x: tf.transpose(tf.stack([x, x], 2), [0, 2, 1]),
        lambda x: tf.where([True, False, True, True], x, 0),
        lambda x: tf.tile(x, [1, 2]),
    ],
)
def test_what_moves_numbers_hands_relevance_back(function):
    """Σ over the places where a number stands, each with its own relevance, which here is the number."""
    e = _relevance(function)
    with tf.GradientTape() as tape:
        tensor = tf.constant(_X)
        tape.watch(tensor)
        total = tf.reduce_sum(function(tensor) ** 2) / 2
    np.testing.assert_allclose(e.attributions, tape.gradient(total, tensor), rtol=1e-12)
    np.testing.assert_allclose(e.attributions.sum(1), e.outputs, rtol=1e-12)


def test_summands_have_their_shares():
    e = _relevance(lambda x: x[:, :1] + 2 * x[:, 1:2] - x[:, 2:3] + 0.5)
    summands = _X[:, :3] * [1, 2, -1]
    expected = summands * (e.outputs / (summands.sum(1) + 0.5))[:, None]
    np.testing.assert_allclose(e.attributions[:, :3], expected, rtol=1e-5)
    np.testing.assert_allclose(e.completeness_gap, -0.5 * e.outputs / (summands.sum(1) + 0.5), rtol=1e-5)


def test_summands_have_their_shares_by_size():
    e = _relevance(lambda x: x[:, :1] + 2 * x[:, 1:2] - x[:, 2:3] + 0.5, composite=[("linear", dx.rules.absolute())])
    summands = _X[:, :3] * [1, 2, -1]
    inner = np.abs(summands[:, :2].sum(1))  # of the first sum, which the second and the third have as a summand
    middle = np.abs(summands.sum(1))
    r = e.outputs * middle / (middle + 0.5)
    first = (r * inner / (inner + np.abs(summands[:, 2])))[:, None]
    shares = np.abs(summands[:, :2]) / np.abs(summands[:, :2]).sum(1, keepdims=True)
    last = r * np.abs(summands[:, 2]) / (inner + np.abs(summands[:, 2]))
    np.testing.assert_allclose(e.attributions[:, :3], np.column_stack([first * shares, last]), rtol=1e-7)


@pytest.mark.parametrize(
    "mean", [lambda x: tf.reduce_mean(x, 1, keepdims=True), lambda x: tf.reduce_sum(x, 1)[:, None] / 4]
)
def test_centring_keeps_relevance_bounded_by_size(mean):
    x = _X + 1000
    composite = [("linear", dx.rules.absolute())]
    e = _relevance(lambda x: tf.nn.relu(x - mean(x)), x, composite=composite)
    assert np.abs(e.attributions).sum(1) == pytest.approx(e.outputs, rel=1e-6)
    signed = _relevance(lambda x: tf.nn.relu(x - mean(x)), x)
    assert (np.abs(signed.attributions).sum(1) > 100 * e.outputs).all()


@pytest.mark.parametrize("mean", [lambda x: tf.reduce_mean(x, 1), lambda x: tf.reduce_sum(x, 1) / 4])
def test_means_are_shares(mean):
    e = _relevance(lambda x: mean(x)[:, None])
    np.testing.assert_allclose(e.attributions, _X / 4, rtol=1e-5)


def test_pooling():
    x = np.random.default_rng(0).uniform(0.5, 1, (2, 4, 4, 3))
    averages = _relevance(lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"), x)
    np.testing.assert_allclose(averages.attributions, x / 4, rtol=1e-5)
    winners = _relevance(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), x)
    shares = _relevance(lambda x: tf.nn.max_pool2d(x, 2, 2, "VALID"), x, composite=[("maximum", dx.rules.proportion())])
    windows = x.reshape(2, 2, 2, 2, 2, 3)
    expected = windows * (windows.max((2, 4)) / windows.sum((2, 4)))[:, :, None, :, None]
    np.testing.assert_allclose(shares.attributions, expected.reshape(x.shape), rtol=1e-5)
    largest = np.repeat(np.repeat(x.reshape(2, 2, 2, 2, 2, 3).max((2, 4)), 2, 1), 2, 2)
    np.testing.assert_array_equal(winners.attributions, np.where(x == largest, x, 0))


@pytest.mark.parametrize(
    "maximum",
    [
        lambda x: tf.reduce_max(x, 1, keepdims=True),
        lambda x: tf.maximum(x[:, 0], x[:, 1])[:, None],
        lambda x: tf.cast(tf.nn.max_pool3d(tf.cast(x[:, None, None], "float32"), [1, 1, 1, 2, 1], 1, "VALID"), x.dtype),
        lambda x: tf.nn.max_pool1d(x, 2, 1, "VALID"),
    ],
)
def test_a_maximum_by_shares(maximum):
    x = np.random.default_rng(0).uniform(0.5, 1, (3, 2, 4))
    e = _relevance(maximum, x, composite=[("maximum", dx.rules.proportion())])
    largest = np.asarray(maximum(tf.constant(x))).reshape(3, 1, 4)
    np.testing.assert_allclose(e.attributions, x * largest / x.sum(1, keepdims=True), rtol=1e-5)


def test_products():
    """A gate gets nothing, and two signals half each; a selector of the user's changes that."""
    gated = lambda x: tf.sigmoid(x[:, :2]) * x[:, 2:]  # noqa: E731
    y = np.asarray(gated(tf.constant(_X)))
    zeros = np.zeros_like(y)
    np.testing.assert_allclose(_relevance(gated).attributions, np.concatenate([zeros, y], 1), rtol=1e-5)
    halves = _relevance(gated, composite=[("product", dx.rules.half())])
    np.testing.assert_allclose(halves.attributions, np.concatenate([y, y], 1) / 2, rtol=1e-5)
    plain = _relevance(lambda x: x[:, :2] * x[:, 2:])
    product = _X[:, :2] * _X[:, 2:]
    np.testing.assert_allclose(plain.attributions, np.concatenate([product, product], 1) / 2, rtol=1e-5)


def test_a_hard_sigmoid_is_a_gate_too():
    gated = lambda x: x[:, 2:] * (tf.nn.relu6(x[:, :2] + 3) * (1 / 6))  # noqa: E731
    expected = np.concatenate([np.zeros((2, 2)), np.asarray(gated(tf.constant(_X)))], 1)
    np.testing.assert_allclose(_relevance(gated).attributions, expected, rtol=1e-5)


def test_a_quotient_counts_for_its_numerator():
    e = _relevance(lambda x: x[:, :2] / (3 + x[:, 2:] ** 2))
    np.testing.assert_allclose(e.attributions, np.concatenate([_X[:, :2] / (3 + _X[:, 2:] ** 2), 0 * _X[:, 2:]], 1))


@pytest.mark.parametrize(
    ("make", "compiled"),
    [
        (lambda: L.LSTM(3), (False,)),
        pytest.param(lambda: L.LSTM(3), (False, True), marks=pytest.mark.long),
        pytest.param(lambda: L.GRU(3), (False, True), marks=pytest.mark.long),
        pytest.param(lambda: L.SimpleRNN(3), (False, True), marks=pytest.mark.long),
        pytest.param(lambda: L.Bidirectional(L.LSTM(2)), (False, True), marks=pytest.mark.long),
    ],
)
def test_loops(make, compiled):
    """Relevance arrives at every step, the same with XLA and without."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4, 3)), make(), L.Dense(2)])
    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    first, *others = (
        explain(model, "lrp", x, target=1, composite="epsilon", jit_compile=jit).attributions for jit in compiled
    )
    assert (np.abs(first).max((0, 2)) > 0).all()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=0, atol=1e-5 * np.abs(first).max())


def test_first_and_last():
    inputs = keras.Input((4,))
    left, right = (L.Dense(3, "relu", name=name)(inputs) for name in ("left", "right"))
    both = L.Dense(3, "relu", name="both")(L.Add()([left, right]))
    model = keras.Model(inputs, [L.Dense(2, name="head")(both), L.Dense(2, name="side")(left)])
    with dx.DeepExplain(model, output=0) as de:
        layers = {op.node.attrs["path"]: op.node.attrs for op in de.coverage("lrp").ops if op.type == "Layer"}
    assert {name for name, attrs in layers.items() if attrs["first"]} == {"left", "right"}
    assert {name for name, attrs in layers.items() if attrs["last"]} == {"head"}


def test_no_layer_of_a_recurrent_net_but_those_of_its_input_is_the_first():
    model = keras.Sequential([keras.Input((4, 3)), L.LSTM(3), L.Dense(2)])
    with dx.DeepExplain(model) as de:
        layers = [op.node.attrs for op in de.coverage("lrp").ops if op.type == "Layer"]
    assert sum(attrs["first"] for attrs in layers) == 1
    assert sum(attrs["last"] for attrs in layers) == 1


def test_layers_have_the_names_of_the_model():
    """Also where the graph has another, in loops, nested models and attention."""
    inputs = keras.Input((4, 3))
    nested = keras.Sequential([keras.Input((4, 3)), L.Dense(3, name="inner"), L.BatchNormalization()], name="nested")
    x = L.Conv1D(3, 2, name="conv")(nested(inputs))
    x = L.GRU(3, name="gru")(L.MultiHeadAttention(2, 3, name="attention")(x, x))
    model = keras.Model(inputs, L.Dense(2, name="head")(x))
    model(np.zeros((1, 4, 3)))
    with dx.DeepExplain(model) as de:
        paths = {op.node.attrs["path"] for op in de.coverage("lrp").ops if op.type == "Layer"}
    projections = {f"attention/{name}" for name in ("query", "key", "value", "attention_output")}
    assert projections | {"nested/inner", "conv", "head"} < paths
    assert any(path.startswith("gru") for path in paths)
