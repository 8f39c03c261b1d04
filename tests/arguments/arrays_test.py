"""Inputs and baselines: every form that is read."""

from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.arguments.arrays import read_inputs
from deepexplain_tf.arguments.baselines import read_baseline
from deepexplain_tf.arguments.structure import flatten_like, names_of
from deepexplain_tf.errors import InputError
from tests.checks import DIFFERENT, options_of
from tests.models import filled, perceptron

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
SPEC = tf.TensorSpec([None, 4], tf.float32, name="x")
LIST = [tf.TensorSpec([None, 2], name="left"), tf.TensorSpec([None, 2, 3], name="right")]
DICT = {"b": tf.TensorSpec([None, 2], name="first"), "a": tf.TensorSpec([None, 3], name="second")}
LEFT, RIGHT = np.ones((2, 2), np.float32), np.zeros((2, 2, 3), np.float32)


# --- structure --------------------------------------------------------------------------------------------


def test_names_follow_the_flattened_order():
    assert names_of(SPEC) == ["x"]
    assert names_of(LIST) == ["left", "right"]
    assert names_of(DICT) == ["a", "b"]
    assert len(set(names_of([tf.TensorSpec([None]), tf.TensorSpec([None])]))) == 2


@pytest.mark.parametrize("given", [X, [X], (X,), {"x": X}], ids=["array", "list", "tuple", "dict"])
def test_one_input_may_be_given_alone_or_in_a_structure(given: Any):
    (found,) = flatten_like(given, SPEC, "inputs")
    assert found is X


@pytest.mark.parametrize(
    "given",
    [[LEFT, RIGHT], (LEFT, RIGHT), {"left": LEFT, "right": RIGHT}, {"right": RIGHT, "left": LEFT}],
    ids=["list", "tuple", "dict", "dict in another order"],
)
def test_several_inputs_go_by_position_or_name(given: Any):
    left, right = flatten_like(given, LIST, "inputs")
    assert left is LEFT
    assert right is RIGHT


def test_a_dict_goes_by_key():
    a, b = np.zeros((2, 3)), np.zeros((2, 2))
    assert [
        found is wanted for found, wanted in zip(flatten_like({"b": b, "a": a}, DICT, "inputs"), (a, b), strict=True)
    ] == [
        True,
        True,
    ]


# --- read_inputs ------------------------------------------------------------------------------------------

_REAL = [
    np.bool_,
    np.int8,
    np.uint8,
    np.int16,
    np.uint16,
    np.int32,
    np.uint32,
    np.int64,
    np.uint64,
    np.float16,
    np.float32,
    np.float64,
    np.longdouble,
    ml_dtypes.bfloat16,
]


@pytest.mark.parametrize("dtype", _REAL)
@pytest.mark.parametrize("wanted", [tf.float16, tf.bfloat16, tf.float32, tf.float64])
def test_real_numbers_are_cast_to_the_dtype_of_the_model(dtype: Any, wanted: tf.DType):
    given = np.array([[0, 1, 2, 3], [4, 5, 6, 7]]).astype(dtype)
    (found,) = read_inputs(given, tf.TensorSpec([None, 4], wanted))
    assert found.dtype == wanted.as_numpy_dtype
    np.testing.assert_array_equal(found.astype(np.float64), given.astype(np.float64))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, np.bool_])
def test_whole_numbers_are_cast_to_the_dtype_of_the_model(dtype: Any):
    (found,) = read_inputs(np.array([[0, 1, 1, 0]]).astype(dtype), tf.TensorSpec([None, 4], tf.int32))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, [[0, 1, 1, 0]])


def test_whole_numbers_that_the_dtype_does_not_hold_are_no_other_numbers():
    with pytest.raises(InputError, match="int32"):
        read_inputs(np.array([[2**40, 0, 0, 0]]), tf.TensorSpec([None, 4], tf.int32))


@pytest.mark.parametrize(
    "given",
    [tf.constant(X), tf.Variable(X), keras.Variable(X), np.asfortranarray(X), X[::-1][::-1]],
    ids=["tensor", "variable", "Keras variable", "Fortran order", "strided"],
)
def test_arrays_of_any_kind_are_read(given: Any):
    (found,) = read_inputs(given, SPEC)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, X)


def test_inputs_are_not_changed_and_not_written_to():
    given = X.copy()
    given.flags.writeable = False
    with dx.DeepExplain(perceptron()) as de:
        for method in DIFFERENT:
            de.explain(method, given, target=0, **options_of(method, given))
    np.testing.assert_array_equal(given, X)


def test_symbolic_tensors_stay_symbolic_and_are_cast():
    @tf.function
    def inside(x: tf.Tensor) -> tf.Tensor:
        (found,) = read_inputs(x, SPEC)
        assert found.dtype == tf.float32
        return found

    np.testing.assert_allclose(inside(tf.constant(X, tf.float64)), X)


@pytest.mark.parametrize("shape", [[None, 4], [3, 4], [None, None]])
def test_an_open_axis_takes_any_length(shape: list[int | None]):
    (found,) = read_inputs(X, tf.TensorSpec(shape))
    assert found.shape == (3, 4)


# --- read_baseline ----------------------------------------------------------------------------------------

_ONE, _EACH = np.arange(4.0), np.arange(12.0).reshape(3, 4)
_BASELINES: dict[str, tuple[Any, Any]] = {
    "nothing": (None, 0.0),
    "an int": (2, 2.0),
    "a float": (-0.5, -0.5),
    "a NumPy number": (np.float64(0.25), 0.25),
    "a bool": (True, 1.0),
    "an array without axes": (np.array(3), 3.0),
    "a tensor without axes": (tf.constant(3.0), 3.0),
    "one example": (_ONE, _ONE),
    "one example of whole numbers": (_ONE.astype(int), _ONE),
    "one example in a batch": (_ONE[None], _ONE),
    "one per example": (_EACH, _EACH),
    "a tensor": (tf.constant(_EACH), _EACH),
    "a variable": (tf.Variable(_ONE), _ONE),
    "a list": ([_ONE], _ONE),
    "a tuple": ((_EACH,), _EACH),
    "a dict": ({"x": _ONE}, _ONE),
    "a number in a list": ([0.5], 0.5),
    "nothing in a list": ([None], 0.0),
}


@pytest.mark.parametrize(("given", "wanted"), _BASELINES.values(), ids=_BASELINES)
def test_a_baseline_is_read(given: Any, wanted: Any):
    (found,) = read_baseline(given, SPEC, [tf.TensorSpec([3, 4])])
    assert found.dtype == np.float32
    assert found.ndim == 2
    np.testing.assert_array_equal(np.broadcast_to(found, (3, 4)), np.broadcast_to(wanted, (3, 4)))


_COMPARING = ("integrated_gradients", "occlusion", "shapley_sampling")


@pytest.mark.parametrize(
    "method", ["deeplift", *(pytest.param(m, marks=pytest.mark.long) for m in _COMPARING)]
)  # one way reads them for all
@pytest.mark.parametrize("name", [name for name, (_, wanted) in _BASELINES.items() if np.ndim(wanted) < 2])
def test_every_form_of_one_baseline_gives_the_same_numbers(name: str, method: str, explained: Any):
    given, wanted = _BASELINES[name]
    found = explained(method, given)
    expected = explained(method, np.broadcast_to(np.float32(wanted), (3, 4)))
    np.testing.assert_allclose(found.attributions, expected.attributions, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.baseline_outputs, expected.baseline_outputs, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def explained():
    model = perceptron()
    with dx.DeepExplain(model, input_signature=[SPEC]) as de:
        explainers = {
            method: de.explainer(method, target=1, **({"n_steps": 4} if "integrated" in method else {}))
            for method in ("deeplift", "integrated_gradients", "occlusion", "shapley_sampling")
        }
    return lambda method, baseline: explainers[method](X, baseline=baseline)


def test_the_baseline_outputs_are_those_of_the_model(explained: Any):
    outputs = perceptron()
    e = explained("deeplift", _EACH / 10)
    np.testing.assert_allclose(e.baseline_outputs, outputs(tf.constant(_EACH / 10, tf.float32))[:, 1], rtol=1e-5)
    np.testing.assert_allclose(e.outputs, outputs(tf.constant(X))[:, 1], rtol=1e-5)
    e = explained("deeplift", None)
    np.testing.assert_allclose(e.baseline_outputs, np.repeat(outputs(tf.zeros([1, 4]))[:, 1], 3), rtol=1e-5)


def test_a_batch_of_one_takes_a_baseline_of_either_form(explained: Any):
    with dx.DeepExplain(perceptron()) as de:
        one = de.explain("deeplift", X[:1], target=1, baseline=_ONE)
        each = de.explain("deeplift", X[:1], target=1, baseline=_ONE[None])
    np.testing.assert_array_equal(one.attributions, each.attributions)


@pytest.mark.parametrize(
    "baseline",
    [
        0.5,
        [0.5, 0.5],
        [np.full(2, 0.5), np.full((2, 3), 0.5)],
        (np.full((2, 2), 0.5), 0.5),
        {"right": 0.5, "left": np.full(2, 0.5)},
        {"left": 0.5, "right": np.full((2, 2, 3), 0.5)},
    ],
    ids=["number", "numbers", "examples", "mixed", "dict", "dict of both"],
)
def test_baselines_of_several_inputs(baseline: Any):
    def model(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.tanh(left), 1) * tf.reduce_sum(right**2, [1, 2])

    with dx.DeepExplain(model, input_signature=LIST) as de:
        e = de.explain("deeplift", [LEFT, RIGHT], baseline=baseline)
    np.testing.assert_allclose(e.baseline_outputs, [2 * np.tanh(0.5) * 6 / 4] * 2, rtol=1e-5)


def test_a_baseline_in_the_structure_of_the_inputs_though_the_model_has_another():
    """Inputs by name for a model that takes a list."""
    left, right = keras.Input((2,), name="left"), keras.Input((2, 3), name="right")
    joined = keras.layers.Concatenate()([left, keras.layers.Flatten()(right)])
    model = filled(keras.Model([left, right], keras.layers.Dense(1)(joined)))
    inputs = {"right": RIGHT + 1, "left": LEFT}
    with dx.DeepExplain(model) as de:
        by_name = de.explain("deeplift", inputs, baseline={"left": LEFT / 2, "right": RIGHT})
        by_position = de.explain("deeplift", [LEFT, RIGHT + 1], baseline=[LEFT / 2, RIGHT])
    assert list(by_name.attributions) == ["right", "left"]
    assert isinstance(by_position.attributions, list)
    for found, wanted in zip(
        (by_name.attributions["left"], by_name.attributions["right"]), by_position.attributions, strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    kernel = np.asarray(model.layers[-1].kernel)[:2, 0]
    np.testing.assert_allclose(by_name.attributions["left"], LEFT / 2 * kernel, rtol=1e-5)


def test_a_baseline_at_a_layer_has_the_shape_of_the_layer():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(hidden)))
    kernel, bias = (np.asarray(array) for array in model.layers[-1].weights)
    values = np.asarray(keras.Model(inputs, hidden)(X))
    with dx.DeepExplain(model, layer="hidden") as de:
        for baseline in (None, 0.5, np.array([0.1, 0.2, 0.3]), values + 1, [np.array([0.1, 0.2, 0.3])]):
            e = de.explain("deeplift", X, target=1, baseline=baseline)
            (start,) = [0.0 if baseline is None else baseline] if not isinstance(baseline, list) else baseline
            np.testing.assert_allclose(e.attributions, (values - start) * kernel[:, 1], rtol=1e-4, atol=1e-6)
            at_start = np.broadcast_to(start, values.shape) @ kernel[:, 1] + bias[1]
            np.testing.assert_allclose(e.baseline_outputs, at_start, rtol=1e-4, atol=1e-6)
        with pytest.raises(InputError, match=r"baseline.*\[3\].*\[3, 3\].*\[3, 4\]"):
            de.explain("deeplift", X, target=1, baseline=X)


def test_a_symbolic_baseline():
    with dx.DeepExplain(perceptron()) as de:
        explainer = de.explainer("deeplift", target=0)
    expected = explainer(X, baseline=_EACH)

    @tf.function
    def inside(x: tf.Tensor, baseline: tf.Tensor) -> tf.Tensor:
        return explainer(x, baseline=baseline).attributions

    for given in (_EACH, _EACH[:1]):
        expected = explainer(X, baseline=given).attributions
        np.testing.assert_allclose(inside(tf.constant(X), tf.constant(given, tf.float32)), expected, rtol=1e-5)


def test_a_masked_array_is_no_array_of_numbers():
    """What is masked would be explained as if it were there."""
    masked = np.ma.masked_array(X, mask=X > 0)
    with dx.DeepExplain(perceptron()) as de, pytest.raises(InputError, match=r"(?i)mask"):
        de.explain("saliency", masked, target=0)
