"""Tests of `methods/deeplift.py`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from tests import references as ref
from tests.checks import explain, total

_X, _X0 = ref.numbers(0, (6, 4), 4)


@pytest.mark.parametrize("activation", ref.SCALARS)
@pytest.mark.parametrize("baseline", [None, _X0], ids=["zeros", "given"])
def test_it_is_the_difference_times_the_multipliers(activation, baseline):
    layers = ref.branched_network(activation)
    e = explain(ref.in_tensorflow(layers), "deeplift", _X, target=1, baseline=baseline)
    start = np.zeros(4) if baseline is None else baseline
    expected = ref.deeplift(layers, _X, start, 1)
    np.testing.assert_allclose(e.attributions, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(e.outputs, ref.forward(layers, _X)[:, 1], rtol=1e-12)
    at_start = ref.forward(layers, np.broadcast_to(start, (6, 4)))[:, 1]
    np.testing.assert_allclose(e.baseline_outputs, at_start, rtol=1e-12)
    assert (np.abs(e.completeness_gap) <= 1e-12 * np.maximum(np.abs(e.outputs), np.abs(e.baseline_outputs))).all()


def test_baselines_in_every_form():
    layers = ref.branched_network("tanh")
    model = ref.in_tensorflow(layers)
    number = explain(model, "deeplift", _X, target=0, baseline=0.25).attributions
    np.testing.assert_allclose(number, ref.deeplift(layers, _X, np.full(4, 0.25), 0), rtol=1e-9, atol=1e-12)
    (each,) = ref.numbers(1, _X.shape)
    found = explain(model, "deeplift", _X, target=0, baseline=each).attributions
    np.testing.assert_allclose(found, ref.deeplift(layers, _X, each, 0), rtol=1e-9, atol=1e-12)


def test_baseline_outputs_are_one_for_each_example():
    e = explain(ref.in_tensorflow(ref.branched_network("relu")), "deeplift", _X, target=0, baseline=_X0)
    assert e.baseline_outputs.shape == e.outputs.shape == (6,)
    assert len(set(e.baseline_outputs)) == 1


def test_targets_of_each_kind():
    layers = ref.branched_network("sigmoid")
    model = ref.in_tensorflow(layers)
    each = [ref.deeplift(layers, _X, np.zeros(4), target) for target in range(3)]

    with dx.DeepExplain(model) as de:
        explainer = de.explainer("deeplift")

    def found(target):
        return explainer(_X, target=target).attributions

    near = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(found(-1), each[2], **near)
    np.testing.assert_allclose(found((1,)), each[1], **near)
    units = np.array([0, 1, 2, 2, 1, 0])
    np.testing.assert_allclose(found(units), np.stack(each)[units, np.arange(6)], **near)
    np.testing.assert_allclose(found(list(units)), np.stack(each)[units, np.arange(6)], **near)
    np.testing.assert_allclose(found(total), sum(each), **near)
    (weights,) = ref.numbers(1, (6, 3))
    np.testing.assert_allclose(found(weights), np.einsum("bt,tbi->bi", weights, each), **near)
    predicted = ref.forward(layers, _X).argmax(1)
    np.testing.assert_allclose(found(None), np.stack(each)[predicted, np.arange(6)], **near)


def test_a_callable_target_is_part_of_the_program():
    """Its ops get rules too, so that attributions sum to its own change."""
    model = ref.in_tensorflow(ref.branched_network("relu"))

    def margin(y):
        return tf.tanh(y[:, 0] * y[:, 1]) - tf.reduce_max(y, 1)

    e = explain(model, "deeplift", _X, target=margin, baseline=_X0)
    values = [np.asarray(margin(model(tf.constant(np.broadcast_to(at, (6, 4)))))) for at in (_X, _X0)]
    np.testing.assert_allclose(e.attributions.sum(1), values[0] - values[1], rtol=1e-9)


def test_several_inputs_share_the_change():
    left, right = ref.random_network(6, [4, 5], "tanh"), ref.random_network(7, [2, 5], "relu")
    end = ref.random_network(8, [5, 1], "relu")

    def model(a, b):
        hidden = tf.tanh(ref.in_tensorflow(left)(a) * ref.in_tensorflow(right)(b))
        return ref.in_tensorflow(end)(hidden)

    (b,) = ref.numbers(1, (6, 2))
    e = explain(model, "deeplift", [_X, b], baseline=[_X0, np.array([0.5, -0.5])])
    summed = e.attributions[0].sum(1) + e.attributions[1].sum(1)
    np.testing.assert_allclose(summed, e.outputs - e.baseline_outputs, rtol=1e-9)
    named = explain(model, "deeplift", {"b": b, "a": _X}, baseline={"a": _X0, "b": np.array([0.5, -0.5])})
    np.testing.assert_array_equal(named.attributions["a"], e.attributions[0])
    np.testing.assert_array_equal(named.attributions["b"], e.attributions[1])


def test_input_that_the_target_ignores_gets_zeros():
    e = explain(lambda a, b: tf.tanh(a), "deeplift", [_X, _X[:, :2]], target=0)
    np.testing.assert_array_equal(e.attributions[1], np.zeros((6, 2)))
    np.testing.assert_allclose(e.attributions[0][:, 0], np.tanh(_X[:, 0]), rtol=1e-12)


def test_layer_of_a_keras_model():
    """The layer's output is the input, with a baseline of its own; behind it the multipliers are the same."""
    keras.utils.set_random_seed(9)
    fixed = {"dtype": "float64", "bias_initializer": "random_normal"}
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="float64"),
            keras.layers.Dense(5, "tanh", name="hidden", **fixed),
            keras.layers.Dense(5, "sigmoid", **fixed),
            keras.layers.Dense(2, **fixed),
        ]
    )
    layers = []
    for layer, name in zip(model.layers[1:], ["sigmoid", None], strict=True):
        layers += [ref.Dense(*layer.get_weights())] + ([ref.Activation(name)] if name else [])
    weights, biases = model.layers[0].get_weights()
    hidden = np.tanh(_X @ weights + biases)
    start = np.linspace(-1, 1, 5)
    e = explain(model, "deeplift", _X, target=1, baseline=start, layer="hidden")
    np.testing.assert_allclose(e.attributions, ref.deeplift(layers, hidden, start, 1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(e.baseline_outputs, ref.forward(layers, start[None])[0, 1] * np.ones(6), rtol=1e-12)
