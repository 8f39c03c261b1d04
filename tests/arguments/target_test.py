"""What is explained: every form of a target, read and explained."""

from collections.abc import Callable
import dataclasses
import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.arguments.target import Selection, in_range, read_target
from tests.checks import derivative, pairs_in_turn
from tests.models import filled, mlp, perceptron, weight

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def units(x: tf.Tensor) -> tf.Tensor:
    """`[batch, 4]` → `[batch, 3]`."""
    return UNITS(x)


UNITS = perceptron()
TABLE, BIAS = weight(4, 6), weight(2, 3, seed=1)


def grid(x: tf.Tensor) -> tf.Tensor:
    """`[batch, 4]` → `[batch, 2, 3]`."""
    return tf.tanh(tf.reshape(tf.matmul(x, TABLE), [-1, 2, 3]) + BIAS)


def single(x: tf.Tensor) -> tf.Tensor:
    """`[batch, 4]` → `[batch, 1]`."""
    return units(x)[:, 2:]


def scalar(x: tf.Tensor) -> tf.Tensor:
    """`[batch, 4]` → `[batch]`."""
    return units(x)[:, 1]


def explain(model: Any, target: Any, x: np.ndarray = X, **settings: Any) -> dx.Explanation:
    with dx.DeepExplain(model, **settings) as de:
        return de.explain("saliency", x, target=target, signed=True)


def assert_explains(e: dx.Explanation, value: Callable[[tf.Tensor], tf.Tensor], x: np.ndarray = X) -> None:
    """Asserts that an explanation is that of the number `value(x)` `[batch]`."""
    np.testing.assert_allclose(e.outputs, value(tf.constant(x)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(e.attributions, derivative(value, x), rtol=1e-5, atol=1e-6)


ROWS = tf.range(3)


def picked(index: Any) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda x: tf.gather_nd(units(x), np.stack([np.arange(3), np.asarray(index) % 3], 1))


@pytest.mark.parametrize("target", [0, 2, -1, -3, np.int64(1), np.uint8(2), np.array(1), tf.constant(2)])
def test_an_int_is_a_unit_of_every_example(target: Any):
    e = explain(units, target)
    assert_explains(e, lambda x: units(x)[:, int(target)])
    assert e.target == int(target)
    assert isinstance(e.target, int)


@pytest.mark.parametrize(
    "target",
    [
        [0, 2, 1],
        [-1, 0, -3],
        np.array([1, 1, 0]),
        np.array([2, 0, 1], np.uint8),
        tf.constant([0, 1, 2]),
        np.array([[2], [0], [1]]),
    ],
    ids=["list", "negative", "array", "uint8", "tensor", "column"],
)
def test_whole_numbers_are_one_unit_per_example(target: Any):
    e = explain(units, target)
    assert_explains(e, picked(np.asarray(target).reshape(3)))
    np.testing.assert_array_equal(e.target, np.asarray(target))


@pytest.mark.parametrize("target", [(1,), (-2,), (np.int64(1),)])
def test_a_tuple_of_one_index_is_a_unit(target: Any):
    e = explain(units, target)
    assert_explains(e, lambda x: units(x)[:, target[0]])
    assert e.target == target


@pytest.mark.parametrize("target", [(0, 0), (1, 2), (-1, -2), (np.int32(1), 0)])
def test_a_tuple_is_an_index_into_the_other_axes(target: tuple[int, int]):
    e = explain(grid, target)
    assert_explains(e, lambda x: grid(x)[:, target[0], target[1]])
    assert e.target == target


def test_rows_of_indices_are_one_index_per_example():
    target = np.array([[0, 1], [1, -1], [-2, 0]])
    e = explain(grid, target)
    assert_explains(e, lambda x: tf.gather_nd(grid(x), [[0, 0, 1], [1, 1, 2], [2, 0, 0]]))
    np.testing.assert_array_equal(e.target, target)


@pytest.mark.parametrize(
    ("model", "dtype"),
    pairs_in_turn(itertools.product([units, grid, scalar, single], [np.float16, np.float32, np.float64]), 2),
)
def test_floats_are_weights(model: Callable[[tf.Tensor], tf.Tensor], dtype: Any):
    weights = np.random.default_rng(1).integers(-3, 4, model(X).shape).astype(dtype)
    e = explain(model, weights)
    axes = list(range(1, weights.ndim))
    assert_explains(e, lambda x: tf.reduce_sum(model(x) * weights.astype(np.float32), axes))
    np.testing.assert_array_equal(e.target, weights)


def test_weights_may_be_a_list_a_tensor_or_shared_by_the_batch():
    weights = np.array([[1.0, 0.0, -2.0], [0.0, 0.5, 0.0], [0.25, 0.0, 1.0]], np.float32)
    for given in (weights.tolist(), tf.constant(weights), tf.cast(weights, tf.bfloat16)):
        assert_explains(explain(units, given), lambda x: tf.reduce_sum(units(x) * weights, 1))
    assert_explains(explain(units, weights[:1]), lambda x: tf.reduce_sum(units(x) * weights[:1], 1))


@pytest.mark.parametrize(("model", "reported"), [(single, 0), (scalar, 0)])
def test_no_target_is_the_only_unit(model: Callable[[tf.Tensor], tf.Tensor], reported: Any):
    e = explain(model, None)
    assert_explains(e, lambda x: tf.reshape(model(x), [-1]))
    assert e.target == reported


def test_no_target_is_the_only_unit_of_several_axes():
    e = explain(lambda x: grid(x)[:, 1:, 2:], None)
    assert_explains(e, lambda x: grid(x)[:, 1, 2])
    assert e.target == (0, 0)


def test_no_target_is_the_predicted_class_of_each_example():
    x = np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)
    classes = np.argmax(units(tf.constant(x)), 1)
    assert len(set(classes)) > 1
    e = explain(units, None, x)
    np.testing.assert_array_equal(e.target, classes)
    assert_explains(e, lambda x: tf.reduce_max(units(x), 1), x)


def test_the_predicted_class_is_that_of_the_probabilities():
    model = mlp()
    e = explain(model, None)
    np.testing.assert_array_equal(e.target, np.argmax(model(X), 1))


def test_the_predicted_class_inside_a_graph():
    with dx.DeepExplain(units) as de:
        explainer = de.explainer("saliency", signed=True)
    expected = explainer(X)

    @tf.function
    def inside(x: tf.Tensor) -> Any:
        e = explainer(x)
        return e.attributions, e.target

    attributions, target = inside(tf.constant(X))
    np.testing.assert_allclose(attributions, expected.attributions, rtol=1e-6)
    np.testing.assert_array_equal(target, expected.target)


@pytest.mark.parametrize(
    "target", [2, (1,), [0, 2, 1], np.array([[1.0, 0.0, -1.0]]), np.eye(3), lambda y: y[:, 0] * y[:, 1]]
)
def test_every_form_serves_inside_a_graph(target: Any):
    with dx.DeepExplain(units) as de:
        explainer = de.explainer("saliency", signed=True, target=target)
    inside = tf.function(lambda x: explainer(x).attributions, autograph=False)
    np.testing.assert_allclose(inside(tf.constant(X)), explainer(X).attributions, rtol=1e-5, atol=1e-6)


# --- callables --------------------------------------------------------------------------------------------


def margin(outputs: tf.Tensor) -> tf.Tensor:
    return outputs[:, 0] - tf.reduce_logsumexp(outputs[:, 1:], 1)


def test_a_callable_is_a_function_of_the_outputs():
    e = explain(units, margin)
    assert_explains(e, lambda x: margin(units(x)))
    assert e.target == "margin"


def test_a_callable_gets_symbolic_tensors_with_the_batch():
    seen = []

    def target(outputs: tf.Tensor) -> tf.Tensor:
        seen.append(outputs)
        return outputs[:, 0]

    explain(units, target)
    assert seen[0].shape.as_list() == [None, 3]
    assert not hasattr(seen[0], "numpy")


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_callable_may_branch_and_loop_as_autograph_does(jit_compile: bool):
    def target(outputs: tf.Tensor) -> tf.Tensor:
        total = outputs[:, 0]
        for unit in range(1, 3):
            total = total + tf.where(outputs[:, unit] > 0, outputs[:, unit], tf.zeros_like(total))
        return total

    e = explain(units, target, jit_compile=jit_compile)
    assert_explains(e, lambda x: units(x)[:, 0] + tf.reduce_sum(tf.nn.relu(units(x)[:, 1:]), 1))


def test_rules_apply_to_the_ops_of_a_callable():
    """DeepLIFT adds up over a product of two units, which the callable makes."""

    def target(outputs: tf.Tensor) -> tf.Tensor:
        return outputs[:, 0] * tf.exp(outputs[:, 2])

    start = np.array([2.0, -2.0, 1.0, -1.0], np.float32)
    with dx.DeepExplain(units) as de:
        e = de.explain("deeplift", X, target=target, baseline=start)
    change = e.outputs - e.baseline_outputs
    assert np.abs(change).max() > 0.1
    np.testing.assert_allclose(e.attributions.sum(1), change, rtol=0, atol=1e-5 * np.abs(change).max())
    np.testing.assert_allclose(e.baseline_outputs, np.repeat(target(units(start[None])), 3), rtol=1e-5)


def test_guided_backprop_sees_the_rectifier_of_a_callable():
    with dx.DeepExplain(lambda x: x) as de:
        e = de.explain("guided_backprop", X, target=lambda y: -tf.nn.relu(y[:, 0]) + tf.nn.relu(y[:, 1]))
    expected = np.zeros_like(X)
    expected[:, 1] = X[:, 1] > 0
    np.testing.assert_array_equal(e.attributions, expected)


def test_a_callable_gets_the_structure_of_the_outputs():
    inputs = keras.Input((4,))
    heads = {"a": keras.layers.Dense(2)(inputs), "b": keras.layers.Dense(3, activation="softmax")(inputs)}
    model = filled(keras.Model(inputs, heads))
    e = explain(model, lambda y: y["a"][:, 0] * y["b"][:, 2], output="model")
    assert_explains(e, lambda x: model(x)["a"][:, 0] * model(x)["b"][:, 2])
    e = explain(model, lambda y: y["a"][:, 0] * tf.nn.softmax(y["b"])[:, 2])  # "auto": b is a logit
    assert_explains(e, lambda x: model(x)["a"][:, 0] * model(x)["b"][:, 2])
    e = explain(model, lambda y: y[:, 2], output="b")  # one chosen output is no structure
    np.testing.assert_allclose(e.attributions, explain(model, 2, output="b").attributions)


def test_a_callable_gets_a_list_or_tuple_of_outputs_as_the_model_has_it():
    for kind in (list, tuple):
        seen = []

        def target(outputs: Any, seen: list[Any] = seen) -> tf.Tensor:
            seen.append(type(outputs))
            return outputs[0][:, 0] + tf.reduce_sum(outputs[1], [1, 2])

        e = explain(lambda x, kind=kind: kind([units(x), grid(x)]), target)
        assert_explains(e, lambda x: units(x)[:, 0] + tf.reduce_sum(grid(x), [1, 2]))
        assert issubclass(seen[0], kind)


def test_a_callable_may_hold_variables_and_follows_them():
    scale = tf.Variable(2.0)

    def target(outputs: tf.Tensor) -> tf.Tensor:
        return scale * outputs[:, 0]

    with dx.DeepExplain(units) as de:
        explainer = de.explainer("saliency", signed=True, target=target)
        twice = explainer(X)
        scale.assign(3.0)
        np.testing.assert_allclose(explainer(X).attributions, 1.5 * twice.attributions, rtol=1e-5)


def test_a_callable_object_is_reported_by_its_type():
    class Margin:
        def __call__(self, outputs: tf.Tensor) -> tf.Tensor:
            return margin(outputs)

    e = explain(units, Margin())
    assert_explains(e, lambda x: margin(units(x)))
    assert e.target == "Margin"


def test_a_callable_at_a_layer_and_with_fixed_batch():
    inputs = keras.Input(batch_shape=(2, 4))
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(3)(hidden)))
    e = explain(model, margin, layer="hidden")
    assert e.attributions.shape == (3, 3)
    padded = np.resize(X, (4, 4))
    expected = np.concatenate([margin(model(padded[:2])), margin(model(padded[2:]))])[:3]
    np.testing.assert_allclose(e.outputs, expected, rtol=1e-5)


def test_a_callable_without_a_hash_is_a_target():
    @dataclasses.dataclass
    class Unit:
        number: int

        def __call__(self, outputs: tf.Tensor) -> tf.Tensor:
            return outputs[:, self.number]

    with dx.DeepExplain(units) as de:
        explainer = de.explainer("saliency", signed=True)
        for number in (0, 2):
            assert_explains(explainer(X, target=Unit(number)), lambda x, number=number: units(x)[:, number])


# --- read_target ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "shape", "kind", "data"),
    [
        (None, [None, 1], "index", [[0]]),
        (None, [None], "index", np.zeros((1, 0))),
        (None, [None, 1, 1], "index", [[0, 0]]),
        (None, [None, 5], "predicted", None),
        (-1, [None, 5], "index", [[4]]),
        ((1, -1), [None, 2, 3], "index", [[1, 2]]),
        ([1, -2], [None, 3], "index", [[1], [1]]),
        ([[0, 0], [1, -1]], [None, 2, 3], "index", [[0, 0], [1, 2]]),
        (7, [None, None], "index", [[7]]),
        (np.ones((2, 3)), [None, 3], "weights", np.ones((2, 3))),
        (np.ones((1, 3)), [None, None], "weights", np.ones((1, 3))),
    ],
)
def test_a_target_is_read(target: Any, shape: list[int | None], kind: str, data: Any):
    selection = read_target(target, shape, tf.float32, 2)
    assert isinstance(selection, Selection)
    assert selection.kind == kind
    if data is None:
        assert selection.data == ()
    else:
        (found,) = selection.data
        np.testing.assert_array_equal(found, data)
        assert found.dtype == (np.float32 if kind == "weights" else np.int32)


def test_an_int_for_each_example_of_a_model_with_one_number():
    """`0` is a target of such a model; a list of them is one for each example."""
    assert_explains(explain(scalar, 0), scalar)
    assert_explains(explain(scalar, [0, 0, -1]), scalar)


def test_which_indices_are_in_range():
    one = tf.constant([-3, -4, 2, 3, 2**32 + 1], tf.int64)  # the last is 1 in 32 bits
    np.testing.assert_array_equal(in_range(one, [3]), [True, False, True, False, False])
    two = tf.constant([[1, 7], [-1, -1], [2, 0]])
    np.testing.assert_array_equal(in_range(two, [2, None]), [True, False, False])
