"""Every wrong use gets one clear error, of a class that is promised, before any work is done."""

from collections.abc import Callable
import pathlib
import subprocess
import sys
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp
import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import (
    ClosedError,
    DeepExplainError,
    InputError,
    ModelError,
    OptionError,
    TargetError,
    UnknownNameError,
    UnsupportedOpError,
)
from tests.checks import PROMISED, message_of
from tests.models import Counted, filled, mlp, perceptron

METHODS = dx.list_methods()
GRADIENT, PATH = "gradient_x_input", "integrated_gradients"
X = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)


def ids(value: Any) -> str:
    """Names a case by its type: a value's own text may be long, or an address."""
    return value if isinstance(value, str) and value.isidentifier() else type(value).__name__


SIGNATURE = [tf.TensorSpec([None, 4], name="features")]


def refuses(kind: Any, *words: str, method: str = GRADIENT, inputs: Any = X, target: Any = 1, **options: Any) -> str:
    """Explains a traced model, which must fail before a graph is made; returns the message."""
    model = Counted()
    with dx.DeepExplain(model, input_signature=SIGNATURE) as de:
        explain = de.explainer("saliency")
        message = message_of(lambda: de.explain(method, inputs, target=target, **options), kind, *words)
        assert (model.runs, explain.n_traces) == (1, 0)
    return message


def refuses_untraced(kind: Any, *words: str, method: str = GRADIENT, inputs: Any = X, target: Any = 1, **options: Any):
    """Explains a model that was never called, which must fail before its code runs."""
    model = Counted()
    with dx.DeepExplain(model) as de:
        message_of(lambda: de.explain(method, inputs, target=target, **options), kind, *words)
        assert model.runs == 0


# --- inputs -----------------------------------------------------------------------------------------------

WRONG_SHAPES = {
    "a rank too low": X[0],
    "a rank too high": X[None],
    "too few features": X[:, :3],
    "too many features": np.ones((2, 5), np.float32),
    "a number": 3.0,
    "a NumPy number": np.float32(1),
}
NO_NUMBERS = {
    "strings": np.array([["a"] * 4]),
    "bytes": np.array([[b"a"] * 4]),
    "objects": np.array([[None] * 4]),
    "complex": X.astype(complex),
    "dates": np.array([["2020-01-01"] * 4], "datetime64[D]"),
    "records": np.zeros((2, 4), [("a", "f4")]),
    "a tensor of strings": tf.constant([["a"] * 4]),
    "a tensor of complex numbers": tf.complex(X, X),
}
NO_ARRAYS = {
    "None": None,
    "a string": "hello",
    "a set": {1, 2},
    "an iterator": iter(X),
    "a function": lambda: X,
    "a class": np.ndarray,
    "an object": object(),
    "a data set": tf.data.Dataset.from_tensors(X),
    "a ragged tensor": tf.ragged.constant([[1.0, 2.0], [3.0]]),
    "a sparse tensor": tf.sparse.from_dense(X),
    "a Keras tensor": keras.KerasTensor((2, 4)),
    "lists of numbers": [[1.0, 2.0, 3.0, 4.0]],
    "a list of numbers": [1.0, 2.0, 3.0, 4.0],
    "a list in a list": [[X]],
    "no array": [],
    "a dict without arrays": {},
    "two arrays": (X, X),
}
NOT_FINITE = {"NaN": np.where(X > 0, np.nan, X), "Inf": X * np.inf, "a tensor with NaN": tf.constant(X * np.nan)}


@pytest.mark.parametrize("inputs", WRONG_SHAPES.values(), ids=WRONG_SHAPES)
def test_inputs_of_a_wrong_shape(inputs: Any):
    refuses(InputError, "features", "['batch', 4]", str(list(np.shape(inputs))), inputs=inputs)


@pytest.mark.parametrize("inputs", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_inputs_of_a_wrong_dtype(inputs: Any):
    refuses((InputError, TypeError), "features", "dtype", inputs=inputs)


@pytest.mark.parametrize("inputs", NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_inputs_of_a_wrong_dtype_for_a_model_never_called(inputs: Any):
    refuses_untraced((InputError, TypeError), "input", "dtype", inputs=inputs)


@pytest.mark.parametrize("inputs", NO_ARRAYS.values(), ids=NO_ARRAYS)
def test_inputs_that_are_no_array(inputs: Any):
    message = refuses((InputError, TypeError), "input", inputs=inputs)
    assert "object" not in message or type(inputs).__name__ in message


@pytest.mark.parametrize("name", [name for name in NO_ARRAYS if name not in ("two arrays", "a list of numbers")])
def test_inputs_that_are_no_array_for_a_model_never_called(name: str):
    refuses_untraced((InputError, TypeError), "input", inputs=NO_ARRAYS[name])


@pytest.mark.parametrize("inputs", NOT_FINITE.values(), ids=NOT_FINITE)
def test_inputs_that_are_not_finite(inputs: Any):
    refuses(InputError, "features", "finite", "NaN or Inf", inputs=inputs)
    refuses_untraced(InputError, "finite", "NaN or Inf", inputs=inputs)


def test_inputs_beyond_the_range_of_the_model():
    refuses(InputError, "features", "float32", inputs=X.astype(np.float64) * 1e300)
    with dx.DeepExplain(mlp("float16")) as de:
        message_of(lambda: de.explain(GRADIENT, X * 1e6, target=0), InputError, "features", "float16")


def test_an_empty_batch():
    refuses(InputError, "at least one example", "empty", inputs=X[:0])
    refuses_untraced(InputError, "at least one example", "empty", inputs=X[:0])


def test_a_number_without_a_batch_for_a_model_never_called():
    refuses_untraced(InputError, "batch", inputs=np.float32(3))


TWO = [tf.TensorSpec([None, 4], name="left"), tf.TensorSpec([None, 2], name="right")]
_WRONG_STRUCTURES = {
    "one array": (X, ("2 arrays", "left", "right", "one array")),
    "one array in a list": ([X], ("2", "left", "right", "Got 1")),
    "three arrays": ([X, X[:, :2], X], ("2", "left", "right", "Got 3")),
    "a wrong key": ({"left": X, "rigth": X[:, :2]}, ("left", "right", "rigth", "closest: 'right'")),
    "a missing key": ({"left": X}, ("left", "right")),
    "a key too many": ({"left": X, "right": X[:, :2], "more": X}, ("left", "right", "more")),
    "unequal batches": ([X, np.ones((3, 2))], ("one batch", "[2, 3]")),
    "swapped": ([X[:, :2], X], ("left", "['batch', 4]", "[2, 2]")),
    "NaN in the second": ([X, X[:, :2] * np.nan], ("right", "finite")),
}


@pytest.mark.parametrize(("inputs", "words"), _WRONG_STRUCTURES.values(), ids=_WRONG_STRUCTURES)
def test_inputs_of_a_wrong_structure(inputs: Any, words: tuple[str, ...]):
    model = Counted(lambda left, right: tf.reduce_sum(tf.tanh(left), 1) + tf.reduce_sum(right**2, 1))
    with dx.DeepExplain(model, input_signature=TWO) as de:
        message_of(lambda: de.explain(GRADIENT, inputs), InputError, *words)
    assert model.runs == 1


def tokens() -> keras.Model:
    inputs = keras.Input((3,), dtype="int32", name="tokens")
    embedded = keras.layers.Embedding(6, 4, name="embedding")(inputs)
    return filled(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(embedded))))


IDS = np.array([[1, 2, 3], [4, 0, 5]])


@pytest.mark.parametrize("method", [method for method in METHODS if method not in ("occlusion", "shapley_sampling")])
def test_whole_numbers_are_explained_at_a_layer(method: str):
    with dx.DeepExplain(tokens()) as de:
        message_of(lambda: de.explain(method, IDS, target=0), InputError, "layer=", "embedding", "int32", "'tokens'")


def test_whole_numbers_of_a_plain_callable_are_named():
    table = tf.ones([6, 4])
    with dx.DeepExplain(lambda ids: tf.reduce_sum(tf.gather(table, ids), [1, 2])) as de:
        message = message_of(lambda: de.explain(GRADIENT, IDS), InputError, "layer=", "int64")
    assert "None" not in message


def test_fractions_for_whole_numbers():
    with dx.DeepExplain(tokens(), layer="embedding") as de:
        message_of(lambda: de.explain(GRADIENT, IDS + 0.5, target=0), InputError, "tokens", "whole", "int32")


def test_tokens_that_the_vocabulary_does_not_have():
    """Only the model can tell; what it says is wrapped."""
    with dx.DeepExplain(tokens(), layer="embedding") as de:
        message_of(lambda: de.explain(GRADIENT, IDS * 100, target=0), DeepExplainError, "6)")


# --- target -----------------------------------------------------------------------------------------------

OUT_OF_RANGE = {
    "too large": 3,
    "too small": -4,
    "far too large": 2**70,
    "in a tuple": (3,),
    "in a list": [0, 3],
    "below in a list": [-1, -4],
    "in an array": np.array([0, 17]),
    "in a short dtype": np.array([2, 200], np.uint8),
    "NumPy": np.int64(-5),
}
WRONG_KIND = {
    "True": True,
    "NumPy True": np.True_,
    "a string": "tabby",
    "bytes": b"tabby",
    "a float": 1.0,
    "a NumPy float": np.float32(1),
    "a complex number": 1j,
    "complex weights": np.ones((2, 3)) * 1j,
    "bools": [True, False],
    "strings": ["a", "b"],
    "an object": object(),
    "a dict": {"a": 1},
    "a set": {1},
    "None in a list": [None, 1],
    "rows of different lengths": [[1], [1, 2]],
    "a date": np.datetime64("2020-01-01"),
    "a Keras tensor": keras.KerasTensor((2,)),
    "a sparse tensor": tf.sparse.from_dense(np.ones((2, 3), np.float32)),
    "a float in a tuple": (1.0,),
    "True in a tuple": (True,),
    "a string in a tuple": ("a",),
    "a tuple in a tuple": ((1,),),
    "a whole and a fraction": [0, 1.5],
}
WRONG_LENGTH = {
    "too many indices": [0, 1, 2],
    "too few indices": [0],
    "no index": np.array([], int),
    "an empty list": [],
    "a tuple of two": (0, 1),
    "an empty tuple": (),
    "two indices per example": np.zeros((2, 2), int),
    "no index per example": np.zeros((2, 0), int),
    "weights without the batch": np.ones(3),
    "weights of another output": np.ones((2, 2)),
    "weights of another batch": np.ones((3, 3)),
    "weights of a larger rank": np.ones((2, 3, 1)),
    "weights of no example": np.ones((0, 3)),
}


@pytest.mark.parametrize("target", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_a_target_out_of_range_names_the_range(target: Any):
    refuses(TargetError, "-3 … 2", "3", target=target)


@pytest.mark.parametrize("target", WRONG_KIND.values(), ids=WRONG_KIND)
def test_a_target_of_a_wrong_kind(target: Any):
    refuses((TargetError, TypeError), "target", target=target)


@pytest.mark.parametrize("target", WRONG_LENGTH.values(), ids=WRONG_LENGTH)
def test_a_target_of_a_wrong_length(target: Any):
    refuses(TargetError, "target", "3]", target=target)


def test_a_message_of_a_wrong_target_fits_what_came():
    assert "weights" not in refuses(TargetError, "per example", target=[]).partition("Got")[0]


@pytest.mark.parametrize("weights", [np.full((2, 3), np.nan), np.full((2, 3), np.inf), np.full((2, 3), 1e300)])
def test_weights_that_are_not_finite(weights: np.ndarray):
    refuses(TargetError, "target", "finite", target=weights)


def test_a_target_that_must_be_given():
    with dx.DeepExplain(lambda x: x[:, :, None] * tf.ones([1, 1, 2])) as de:
        message_of(lambda: de.explain(GRADIENT, X), TargetError, "['batch', 4, 2]", "tuple")
        message_of(lambda: de.explain(GRADIENT, X, target=1), TargetError, "tuple of 2")
        message_of(lambda: de.explain(GRADIENT, X, target=(0, 2)), TargetError, "-2 … 1")
        message_of(lambda: de.explain(GRADIENT, X, target=(1,)), TargetError, "2 indices")
        message_of(lambda: de.explain(GRADIENT, X, target=[0, 1]), TargetError, "2 number(s)")


def test_several_outputs_without_a_choice():
    with dx.DeepExplain(lambda x: [x * 2.0, tf.tanh(x)]) as de:
        for target in (None, 0, (0,), [0, 1]):
            message_of(lambda given=target: de.explain(GRADIENT, X, target=given), TargetError, "output=", "2 outputs")


def _raises(outputs: tf.Tensor) -> tf.Tensor:
    raise RuntimeError("no bananas left " * 100)


_CALLABLES = {
    "raises": (_raises, ("RuntimeError", "no bananas left")),
    "takes nothing": (lambda: 1, ("TypeError", "argument")),
    "takes two": (lambda a, b: a, ("TypeError", "argument")),
    "asks for NumPy": (lambda y: y.numpy()[:, 0], ("AttributeError", "numpy")),
    "a scalar": (lambda y: tf.reduce_sum(y), ("[batch]", "()")),
    "a sum over the batch": (lambda y: tf.reduce_sum(y, 0), ("[batch]", "(3,)")),
    "one example": (lambda y: y[:1, 0], ("[batch]",)),
    "all units": (lambda y: y, ("[batch]", "3)")),
    "a list of two": (lambda y: [y[:, 0], y[:, 1]], ("[batch]", "float32")),
    "nothing": (lambda y: None, ("[batch]",)),
    "a number": (lambda y: 3.0, ("[batch]",)),
    "a string": (lambda y: "a", ("[batch]", "string")),
    "a class": (lambda y: tf.argmax(y, 1), ("[batch]", "int64")),
    "a condition": (lambda y: y[:, 0] > 0, ("[batch]", "bool")),
    "a complex number": (lambda y: tf.cast(y[:, 0], tf.complex64), ("[batch]", "complex64")),
    "a constant": (lambda y: tf.ones([tf.shape(y)[0]]), ("depend",)),
    "the shape": (lambda y: tf.cast(tf.shape(y)[:1], tf.float32), ("depend",)),
    "a built-in": (float, ("callable target",)),
}


@pytest.mark.parametrize(("target", "words"), _CALLABLES.values(), ids=_CALLABLES)
@pytest.mark.filterwarnings("ignore")  # AutoGraph cannot read lambdas that share a line
def test_a_callable_target_that_does_not_serve(target: Any, words: tuple[str, ...]):
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explain(GRADIENT, X, target=target), TargetError, "target", *words)


_INDEPENDENT = {
    "a constant": lambda x: tf.ones([tf.shape(x)[0]]),
    "the shape": lambda x: tf.cast(tf.shape(x), tf.float32)[:1] * tf.ones([tf.shape(x)[0]]),
    "zeros": lambda x: tf.reduce_sum(tf.zeros_like(x), 1),
}


@pytest.mark.parametrize("model", _INDEPENDENT.values(), ids=_INDEPENDENT)
@pytest.mark.parametrize("method", METHODS)
def test_a_target_that_depends_on_no_input(model: Any, method: str):
    with dx.DeepExplain(model) as de:
        message_of(lambda: de.explain(method, X), TargetError, "target", "depend")
        assert de.explainer(method).n_traces == 0


def test_a_target_that_does_not_depend_on_the_layer():
    inputs = keras.Input((4,))
    aside = keras.layers.Dense(2, name="aside")(inputs)
    model = filled(keras.Model(inputs, [keras.layers.Dense(2, name="main")(inputs), aside]))
    with dx.DeepExplain(model, layer="aside", output="main") as de:
        message_of(lambda: de.explain(GRADIENT, X, target=0), TargetError, "depend")


def test_a_layer_behind_the_logit_says_what_to_do():
    """`output="auto"` takes the last layer's softmax off, and with it what `layer=` names."""
    with dx.DeepExplain(mlp(), layer="probabilities") as de:
        message_of(lambda: de.explain(GRADIENT, X, target=0), TargetError, "depend", 'output="model"')


# --- baseline ---------------------------------------------------------------------------------------------

_WRONG_BASELINES = {
    "one for each of three": np.ones((3, 4)),
    "too few features": np.ones(3),
    "too few features of each": np.ones((2, 3)),
    "a rank too high": np.ones((1, 2, 4)),
    "one column": np.ones((2, 1)),
    "no example": X[:0],
    "nothing": np.array([]),
    "a list of numbers": [0.0, 0.0, 0.0, 0.0],
    "lists of numbers": [[0.0, 0.0, 0.0, 0.0]],
    "two arrays": [X, X],
    "an empty list": [],
    "an empty dict": {},
    "a wrong key": {"feature": X},
    "NaN": float("nan"),
    "NaN in an array": X * np.nan,
    "Inf": np.inf,
    "beyond the dtype": 1e300,
    "far beyond": 10**400,
    "a string": "zeros",
    "a number in a string": "0.5",
    "bytes": b"0",
    "strings": np.array(["a"] * 4),
    "an object": object(),
    "None in an array": np.array([None] * 4),
    "a complex number": 1j,
    "complex numbers": X * 1j,
    "a date": np.datetime64("2020-01-01"),
    "a function": lambda x: x,
    "a ragged tensor": tf.ragged.constant([[1.0, 2.0], [3.0]]),
    "a sparse tensor": tf.sparse.from_dense(X),
    "a Keras tensor": keras.KerasTensor((2, 4)),
}


@pytest.mark.parametrize("baseline", _WRONG_BASELINES.values(), ids=_WRONG_BASELINES)
def test_a_wrong_baseline(baseline: Any):
    refuses((InputError, TypeError), "baseline", method=PATH, baseline=baseline)


def test_a_wrong_baseline_names_the_shapes_that_fit():
    refuses(InputError, "[4]", "[2, 4]", "[3, 4]", method="deeplift", baseline=np.ones((3, 4)))


def test_a_wrong_baseline_of_several_inputs():
    with dx.DeepExplain(lambda left, right: tf.reduce_sum(left, 1) * tf.reduce_sum(right, 1)) as de:
        for baseline, words in (
            ([X], ("2", "Got 1")),
            (X, ("2 arrays", "one array")),
            ([X, X], ("[2]", "[2, 4]")),
            ([0.0, np.nan], ("finite",)),
        ):
            call = lambda baseline=baseline: de.explain("deeplift", [X, X[:, :2]], baseline=baseline)  # noqa: E731
            message_of(call, InputError, "baseline", *words)


@pytest.mark.parametrize("method", ["saliency", "gradient_x_input", "epsilon_lrp", "guided_backprop", "deconvnet"])
@pytest.mark.parametrize("baseline", [0.0, X], ids=["number", "array"])
def test_a_baseline_for_a_method_that_has_none(method: str, baseline: Any):
    refuses(OptionError, "baseline", method, method=method, baseline=baseline)
    refuses_untraced(OptionError, "baseline", method, method=method, baseline=baseline)


# --- options ----------------------------------------------------------------------------------------------

_OPTIONS: list[tuple[str, str, list[Any]]] = [
    (PATH, "n_steps", [0, -1, 1.5, "3", True, 100_001, 2**40, np.float64(3), [3], np.array(3), float("nan")]),
    (PATH, "quadrature", ["gauss", "", None, 3, ["midpoint"], "Midpoint", {}]),
    (PATH, "tolerance", [0, -1e-3, 1, 2.0, "a", True, float("nan"), float("inf"), [0.1], 1j, 10**400]),
    (PATH, "gap_tolerance", [0, 1, 2.0, "a", True, float("nan"), [0.1]]),
    (PATH, "max_steps", [100, 0, "a"]),  # there is no tolerance
    ("expected_gradients", "n_samples", [0, 1, -2, 2.0, "4", True, None, [4], 100_001, float("nan")]),
    ("expected_gradients", "sampling", ["Random", "", None, 3, ["random"], {}]),
    ("expected_gradients", "seed", [-1, 1.5, "3", True, [1]]),
    (PATH, "max_memory", [0, -1, 1.5, "", "a", "2 GiBB", "-1MiB", "0", True, [1], float("nan"), "nan", "1e9"]),
    ("epsilon_lrp", "epsilon", [0, -1e-3, "a", None, True, float("nan"), float("inf"), 1j, [1e-3], 10**400]),
    ("saliency", "signed", [1, 0.0, None, "yes", []]),
    ("occlusion", "window_shape", [(5,), (0,), (-1,), (1, 1), (), 3, "3", (1.5,), (True,), np.array(2)]),
    ("occlusion", "window_shape", [(None,), ("a",), {"features": (2,)}, ((2,),), [[2]], object(), (2**70,)]),
    ("occlusion", "strides", [(0,), (-2,), 1, (1, 1), (1.0,), "1", [None], np.array(1)]),
    ("occlusion", "normalise", ["sum", None, 1, [], ["count"], True]),
    ("shapley_sampling", "n_samples", [0, 1, 3, -2, 2.0, "4", True, None, [4], float("nan")]),
    ("shapley_sampling", "groups", [np.zeros(4), [0, 0, 0], 0, "a", ["a"] * 4, [True] * 4, [[0], [1, 2]]]),
    ("shapley_sampling", "groups", [np.zeros((1, 4), int), object(), {}, [None] * 4, [0, 1, 2, 1.5]]),
    ("shapley_sampling", "seed", [-1, 1.5, "3", True, [1], float("nan"), np.array(3)]),
    (GRADIENT, "batch_size", [0, -1, 1.5, "3", True, np.float64(2), [1], float("nan")]),
    (PATH, "chunk_size", [0, -1, 1.5, "3", True, np.float64(2), [1], float("nan")]),
    (GRADIENT, "progress", [1, 0, None, "yes", []]),
]
_CASES = [(method, option, value) for method, option, values in _OPTIONS for value in values]


@pytest.mark.parametrize(("method", "option", "value"), _CASES, ids=ids)
def test_an_option_out_of_its_range(method: str, option: str, value: Any):
    refuses((OptionError, TypeError), option, method=method, **{option: value})


@pytest.mark.parametrize(
    ("method", "option", "value"),
    [case for case in _CASES if case[1] not in ("window_shape", "strides", "groups")],
    ids=ids,
)
def test_an_option_out_of_its_range_before_the_model_runs(method: str, option: str, value: Any):
    refuses_untraced((OptionError, TypeError), option, method=method, **{option: value})


@pytest.mark.parametrize(("method", "option", "value"), _CASES, ids=ids)
def test_an_option_out_of_its_range_is_refused_when_an_explainer_is_made(method: str, option: str, value: Any):
    if option in ("window_shape", "strides", "groups"):
        return  # only the shape of the inputs can tell
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(method, **{option: value}), (OptionError, TypeError), option)


def test_a_baseline_is_refused_when_an_explainer_is_made():
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(GRADIENT, baseline=0.0), OptionError, "baseline", GRADIENT)


def test_the_two_ways_to_stop_exclude_each_other():
    refuses(OptionError, "n_steps", "tolerance", method=PATH, n_steps=10, tolerance=1e-3)
    refuses(OptionError, "max_steps", "9", method=PATH, tolerance=1e-3, max_steps=8)


@pytest.mark.parametrize("option", ["batch_size", "chunk_size"])
def test_a_size_beyond_any_whole_number_of_the_device(option: str):
    with dx.DeepExplain(mlp()) as de:
        expected = de.explain(PATH, X, target=1, n_steps=4).attributions
        try:
            found = de.explain(PATH, X, target=1, n_steps=4, **{option: 2**70}).attributions
        except OptionError as error:
            assert option in str(error)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_chunk_that_does_not_fit_into_32_bits_ends():
    program = f"""
import numpy as np, deepexplain_tf as dx
with dx.DeepExplain(lambda x: x[:, 0] ** 2) as de:
    try:
        print(de.explain("integrated_gradients", np.ones((1, 2)), chunk_size={2**40}).attributions)
    except dx.DeepExplainError as error:
        print(error)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=40, check=True, text=True)
    assert "chunk_size" in ended.stdout or "[[1. 0.]]" in ended.stdout


@pytest.mark.parametrize("epsilon", [1e-60, 1e-300])
def test_a_stabilizer_that_the_dtype_rounds_to_zero_makes_no_nan(epsilon: float):
    """At z = 0 its quotient would be 0/0."""
    with dx.DeepExplain(lambda x: tf.reduce_sum(tf.nn.relu(x), 1)) as de:
        try:
            e = de.explain("epsilon_lrp", np.zeros((1, 2), np.float32), epsilon=epsilon)
        except DeepExplainError as error:
            assert "epsilon" in str(error)
        else:
            assert np.isfinite(e.attributions).all()


@pytest.mark.parametrize(
    ("method", "option", "word"),
    [
        (PATH, "n_step", "'n_steps'"),
        ("saliency", "singed", "'signed'"),
        ("occlusion", "window", "'window_shape'"),
        ("shapley_sampling", "samples", "'n_samples'"),
        ("epsilon_lrp", "eps", "'epsilon'"),
        (GRADIENT, "zzz", "'target'"),
        (PATH, "targets", "'target'"),
        (PATH, "baselines", "'baseline'"),
        (GRADIENT, "batchsize", "'batch_size'"),
    ],
)
def test_an_unknown_option_names_close_ones(method: str, option: str, word: str):
    refuses_untraced(OptionError, repr(option), method, word, method=method, **{option: 1})


@pytest.mark.parametrize(
    ("method", "option", "owner"),
    [
        (GRADIENT, "n_steps", PATH),
        (PATH, "epsilon", "epsilon_lrp"),
        ("deeplift", "window_shape", "occlusion"),
        ("occlusion", "n_samples", "shapley_sampling"),
        ("integrated_gradients", "signed", "saliency"),
    ],
)
def test_an_option_of_another_method_names_it(method: str, option: str, owner: str):
    refuses_untraced(OptionError, repr(option), method, owner, method=method, **{option: 1})


def test_an_explainer_refuses_options_when_it_is_made_and_when_it_is_called():
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(PATH, n_step=3), OptionError, "'n_step'", "'n_steps'")
        message_of(lambda: de.explainer(PATH, n_steps=0), OptionError, "n_steps")
        explain = de.explainer(PATH, target=0)
    message_of(lambda: explain(X, n_step=3), OptionError, "'n_step'", "'n_steps'")
    message_of(lambda: explain(X, n_steps=0), OptionError, "n_steps")


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("integrated_gradient", "'integrated_gradients'"),
        ("integrated-gradients", "'integrated_gradients'"),
        ("deep lift", "'deeplift'"),
        ("DeepLIFT", "'deeplift'"),
        ("OCCLUSION", "'occlusion'"),
        ("shapely", "'shapley"),
        ("", "known: '"),
        ("grad-cam", "grad"),
        ("zzzzzzz", "'saliency'"),
        ("x" * 10_000, "'deeplift'"),
    ],
    ids=["one letter", "dashes", "a space", "capitals", "all capitals", "misspelt", "empty", "other", "far", "long"],
)
def test_an_unknown_method_names_close_ones(name: str, word: str):
    refuses_untraced(UnknownNameError, "unknown method", word, method=name)
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.explainer(name), UnknownNameError, word)
        message_of(lambda: de.coverage(name), UnknownNameError, word)
        message_of(lambda: de.rewrite(name), UnknownNameError, word)


@pytest.mark.parametrize("name", [None, 3, ["saliency"], b"saliency", type, tf.constant("saliency")], ids=ids)
def test_a_method_that_is_no_name(name: Any):
    refuses_untraced(TypeError, "method", type(name).__name__, method=name)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("hiden", ("'hiden'", "closest: 'hidden'")),
        ("nothing", ("'features'", "'hidden'", "'probabilities'")),
        ("", ("'hidden'",)),
        (":0", ("'hidden'",)),
        ("hidden:1", ("'hidden:1'", "1")),
        ("hidden:-1", ("'hidden:-1'",)),
        ("hidden:x", ("'hidden:x'",)),
        ("hidden:", ("'hidden:'",)),
        ("hidden:²", ("'hidden:²'",)),
        ("hidden:0:0", ("'hidden'",)),
        ("features", ("'features'",)),
    ],
)
def test_an_unknown_layer(layer: str, words: tuple[str, ...]):
    message_of(lambda: dx.DeepExplain(mlp(), layer=layer).__enter__(), UnknownNameError, "layer", *words)


@pytest.mark.parametrize("layer", [5, True, [], b"hidden", keras.layers.Dense(2)], ids=ids)
def test_a_layer_that_is_no_name(layer: Any):
    message_of(lambda: dx.DeepExplain(mlp(), layer=layer), TypeError, "layer", type(layer).__name__)


def test_a_layer_of_a_model_without_layers():
    message_of(lambda: _explain(perceptron(), layer="hidden"), UnknownNameError, "layer", "'hidden'", "Keras")


def test_a_layer_called_twice_must_be_picked():
    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    model = filled(keras.Model(inputs, shared(shared(inputs))))
    for layer in ("shared", "shared:2"):
        enter = dx.DeepExplain(model, layer=layer).__enter__
        message_of(enter, UnknownNameError, repr(layer), "2 times", ":0", ":1")


def test_two_layers_of_one_name_are_ambiguous():
    inner_input, inputs = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(inner_input, keras.layers.Dense(4, name="same")(inner_input))
    model = filled(keras.Model(inputs, keras.layers.Dense(2, name="same")(inner(inputs))))
    message_of(lambda: dx.DeepExplain(model, layer="same").__enter__(), UnknownNameError, "'same'", "2")


def test_a_layer_with_several_outputs():
    inputs = keras.Input((3, 4))
    sequence, state = keras.layers.SimpleRNN(4, return_state=True, return_sequences=True, unroll=True, name="rnn")(
        inputs
    )
    model = filled(keras.Model(inputs, sequence[:, 0] * state))
    message_of(lambda: dx.DeepExplain(model, layer="rnn").__enter__(), ModelError, "'rnn'", "one output")


def test_a_layer_of_whole_numbers():
    inputs = keras.Input((4,))
    rounded = keras.layers.Lambda(lambda v: tf.cast(v * 5, tf.int32), name="rounded")(inputs)
    model = filled(keras.Model(inputs, keras.layers.Dense(2)(keras.ops.cast(rounded, "float32"))))
    with dx.DeepExplain(model, layer="rounded") as de:
        message_of(lambda: de.explain(GRADIENT, X, target=0), DeepExplainError, "int32")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("secnd", ("'secnd'", "closest: 'second'")),
        ("zzz", ("'zzz'", "'first'", "'second'", "'auto'", "'model'")),
        ("", ("'first'", "'second'")),
        (2, ("2",)),
        (-3, ("-3",)),
    ],
)
def test_an_unknown_output(output: Any, words: tuple[str, ...]):
    inputs = keras.Input((4,))
    heads = [keras.layers.Dense(2, name=name)(inputs) for name in ("first", "second")]
    model = filled(keras.Model(inputs, heads))
    message_of(lambda: dx.DeepExplain(model, output=output).__enter__(), UnknownNameError, "output", *words)


@pytest.mark.parametrize("output", [None, 1.5, True, [], (0,), b"auto"], ids=ids)
def test_an_output_of_a_wrong_kind(output: Any):
    message_of(lambda: dx.DeepExplain(mlp(), output=output), TypeError, "output", type(output).__name__)


# --- the model --------------------------------------------------------------------------------------------

_NO_MODELS = {
    "a number": 42,
    "None": None,
    "True": True,
    "an array": X,
    "a tensor": tf.constant(X),
    "a variable": tf.Variable(X),
    "a list": [1],
    "a dict": {},
    "an object": object(),
    "bytes": b"model.keras",
    "a model class": keras.Model,
    "a layer class": keras.layers.Dense,
    "a class": type("Net", (), {"__call__": lambda self, x: x}),
    "a module that is not called": tf.Module(),
    "an optimizer": keras.optimizers.Adam(),
    "a Keras tensor": keras.Input((3,)),
    "a Python module": dx,
}


@pytest.mark.parametrize("model", _NO_MODELS.values(), ids=_NO_MODELS)
def test_something_that_is_no_model(model: Any):
    message_of(lambda: dx.DeepExplain(model), TypeError, "model", "Keras", type(model).__name__)


def _explain(model: Any, *, inputs: Any = X, method: str = GRADIENT, target: Any = None, **settings: Any) -> Any:
    with dx.DeepExplain(model, **settings) as de:
        return de.explain(method, inputs, target=target)


@pytest.mark.parametrize("name", ["missing.keras", "missing.h5", "missing", ""])
def test_a_missing_file(name: str, tmp_path: pathlib.Path):
    path = str(tmp_path / name) if name else ""
    message_of(lambda: dx.DeepExplain(path), FileNotFoundError, repr(path))
    if name:
        message_of(lambda: dx.DeepExplain(tmp_path / name), FileNotFoundError, name)


@pytest.mark.parametrize("name", ["junk.keras", "junk.h5", "junk.txt", "empty.keras", "folder.keras", "folder"])
def test_a_file_that_is_no_model(name: str, tmp_path: pathlib.Path):
    path = tmp_path / name
    if name.startswith("folder"):
        path.mkdir()
    else:
        path.write_bytes(b"" if name.startswith("empty") else b"junk")
    message = message_of(lambda: dx.DeepExplain(path), ModelError, name)
    assert "not found: filepath" not in message  # it is there


def test_a_file_of_weights_is_no_model(tmp_path: pathlib.Path):
    mlp().save_weights(tmp_path / "net.weights.h5")
    message_of(lambda: dx.DeepExplain(tmp_path / "net.weights.h5"), ModelError, "net.weights.h5")


def _fails(*inputs: tf.Tensor) -> tf.Tensor:
    raise ValueError("no bananas left")


class Failing(keras.Model):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        raise ValueError("no bananas left")


@pytest.mark.parametrize("model", [_fails, tf.function(_fails), Failing()], ids=["function", "tf.function", "Keras"])
def test_a_model_whose_call_raises(model: Any):
    message = message_of(lambda: _explain(model), ModelError, "ValueError", "no bananas left")
    assert "ValueError: ValueError" not in message


_BAD_OUTPUTS = {
    "nothing": (lambda x: None, ModelError, ("none",)),
    "whole numbers": (lambda x: tf.argmax(x, 1), ModelError, ("float", "int64")),
    "conditions": (lambda x: x > 0, ModelError, ("float", "bool")),
    "strings": (tf.strings.as_string, ModelError, ("float", "string")),
    "a scalar": (lambda x: tf.reduce_sum(x), (InputError, ModelError), ("[batch, ...]",)),
    "a sum over the batch": (lambda x: tf.reduce_sum(x, 0), DeepExplainError, ("batch",)),
    "one example": (lambda x: tf.reduce_sum(x[:1], 1), DeepExplainError, ("batch",)),
    "one example of units": (lambda x: x[:1], DeepExplainError, ("batch",)),
    "a Python number": (lambda x: 3.0, DeepExplainError, ()),
    "an array": (lambda x: np.ones((2, 3), np.float32), DeepExplainError, ()),
    "takes nothing": (lambda: 1, ModelError, ("argument",)),
    "asks for NumPy": (lambda x: x.numpy(), ModelError, ("numpy",)),
}


@pytest.mark.parametrize(("model", "kind", "words"), _BAD_OUTPUTS.values(), ids=_BAD_OUTPUTS)
@pytest.mark.filterwarnings("ignore")  # AutoGraph cannot read lambdas that share a line
def test_a_model_whose_output_cannot_be_explained(model: Any, kind: Any, words: tuple[str, ...]):
    message_of(lambda: _explain(model, target=0), kind, *words)


@pytest.mark.parametrize("method", METHODS)
def test_python_inside_a_program_is_refused_by_name(method: str):
    def model(x: tf.Tensor) -> tf.Tensor:
        called = tf.numpy_function(np.tanh, [x], tf.float32, name="called")
        return tf.reduce_sum(tf.ensure_shape(called, [None, 4]), 1)

    with dx.DeepExplain(model) as de:
        message_of(lambda: de.explain(method, X), UnsupportedOpError, "PyFunc", "'called'")
        assert de.explainer(method).n_traces == 0


def _matrix(x: tf.Tensor) -> tf.Tensor:
    return x[:, :, None] * x[:, None, :] + 10.0 * tf.eye(4)


def _in_a_loop(x: tf.Tensor) -> tf.Tensor:
    step = lambda i, x: (i + 1, x + tf.linalg.sqrtm(_matrix(x), name="best")[:, 0])  # noqa: E731
    return tf.while_loop(lambda i, x: i < 3, step, (0, x))[1][:, 0]


_UNCOVERED = {
    "MatrixSquareRoot": _in_a_loop,
    "Qr": lambda x: tf.linalg.qr(_matrix(x), name="best")[1][:, 0, 0],
    "SelfAdjointEigV2": lambda x: tf.linalg.eigh(_matrix(x), name="best")[1][:, 0, 0],
}


@pytest.mark.parametrize(("op", "model"), _UNCOVERED.items(), ids=_UNCOVERED)
def test_an_op_that_no_rule_covers_is_refused_by_name(op: str, model: Any):
    with dx.DeepExplain(model) as de:
        words = (op, "best", "kinds.py", "overrides=", "strict=False")
        message_of(lambda: de.explain("deeplift", X), UnsupportedOpError, *words)
        assert de.explainer("deeplift").n_traces == 0


def test_an_op_without_a_gradient_is_refused_by_name():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(tf.image.adjust_saturation(x[:, None, None, :3], 0.5), [1, 2, 3])

    message_of(lambda: _explain(model), UnsupportedOpError, "AdjustSaturation")


def test_a_choice_that_depends_on_the_input_is_refused_by_name():
    def model(x: tf.Tensor) -> tf.Tensor:
        return tf.gather(x, tf.argmax(x, 1), batch_dims=1, name="chosen")

    message_of(lambda: _explain(model, method="deeplift"), UnsupportedOpError, "Gather", "index")


def test_a_batch_that_a_model_of_fixed_batch_size_cannot_take_inside_a_graph():
    inputs = keras.Input(batch_shape=(3, 4))
    with dx.DeepExplain(filled(keras.Model(inputs, keras.layers.Dense(2)(inputs)))) as de:
        explain = de.explainer(GRADIENT, target=0)
    inside = tf.function(lambda x: explain(x).attributions, autograph=False)
    message_of(lambda: inside(tf.constant(X)), InputError, "3", "2")


def test_inputs_of_unknown_rank_inside_a_graph():
    with dx.DeepExplain(perceptron()) as de:
        explain = de.explainer(GRADIENT, target=0)
    inside = tf.function(lambda x: explain(x).attributions, autograph=False)
    message_of(lambda: inside.get_concrete_function(tf.TensorSpec(None)), InputError, "input", "rank")


def test_keys_that_are_no_names():
    with dx.DeepExplain(lambda left, right: tf.reduce_sum(left * right, 1)) as de:
        for inputs in ({0: X, 1: X}, {0: X, "right": X}):
            message_of(lambda inputs=inputs: de.explain(GRADIENT, inputs), DeepExplainError, "key")


@pytest.mark.parametrize("target", [None, 0])
def test_an_output_without_units(target: Any):
    message_of(lambda: _explain(lambda x: x[:, :0] * 2.0, target=target), DeepExplainError, "0")


def test_functions_that_run_eagerly():
    """A switch for debugging, with which no program can be made."""
    model = mlp()
    tf.config.run_functions_eagerly(True)
    try:
        message_of(lambda: _explain(model, target=0), DeepExplainError, "run_functions_eagerly")
    finally:
        tf.config.run_functions_eagerly(False)


# --- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["yes", None, 1, 0, "True", []], ids=ids)
@pytest.mark.parametrize("setting", ["jit_compile", "strict"])
def test_a_switch_that_is_no_switch(setting: str, value: Any):
    message_of(lambda: dx.DeepExplain(mlp(), **{setting: value}), (OptionError, TypeError), setting, repr(value))


@pytest.mark.parametrize("signature", ["serving_default", 3], ids=ids)
def test_a_signature_for_a_model_that_has_none(signature: Any):
    message_of(lambda: dx.DeepExplain(mlp(), signature=signature), (OptionError, TypeError), "signature")


_WRONG_SIGNATURES = {
    "a number": 3,
    "a string": "float32",
    "an empty list": [],
    "a list of numbers": [3],
    "shapes": [(None, 4)],
    "an open rank": [tf.TensorSpec(None)],
    "no batch": [tf.TensorSpec([])],
    "two for one": [tf.TensorSpec([None, 4])] * 2,
    "another shape": [tf.TensorSpec([None, 5])],
    "strings": [tf.TensorSpec([None, 4], tf.string)],
}


@pytest.mark.parametrize("signature", _WRONG_SIGNATURES.values(), ids=_WRONG_SIGNATURES)
def test_a_wrong_input_signature(signature: Any):
    message_of(lambda: _explain(perceptron(), target=0, input_signature=signature), (DeepExplainError, TypeError))


def test_an_unknown_setting():
    message_of(lambda: dx.DeepExplain(mlp(), layers="hidden"), TypeError, "layers")


_WRONG_OVERRIDES = {
    "an unknown op": ({"Rel": len}, UnknownNameError, ("'Rel'", "'Relu'")),
    "a wrong capital": ({"relu": len}, UnknownNameError, ("'relu'", "'Relu'")),
    "an unknown kind": ({"activations": len}, UnknownNameError, ("'activations'", "'activation'")),
    "something of the module": ({"__doc__": len}, UnknownNameError, ("'__doc__'",)),
    "a number": ({3: len}, (TypeError, UnknownNameError), ("overrides", "3")),
    "None": ({None: len}, (TypeError, UnknownNameError), ("overrides", "None")),
    "no rule": ({"Relu": 3}, TypeError, ("overrides", "rule")),
    "nothing for a rule": ({"Relu": None}, TypeError, ("overrides", "rule")),
    "a list": ([("Relu", len)], TypeError, ("overrides",)),
    "a name": ("Relu", TypeError, ("overrides",)),
}


@pytest.mark.parametrize(("overrides", "kind", "words"), _WRONG_OVERRIDES.values(), ids=_WRONG_OVERRIDES)
def test_wrong_overrides(overrides: Any, kind: Any, words: tuple[str, ...]):
    message_of(lambda: dx.DeepExplain(mlp(), overrides=overrides), kind, *words)
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.rewrite(overrides), (kind, TypeError, UnknownNameError))


_WRONG_RULES = {
    "two outputs for one": lambda op, inputs: [inputs[0], inputs[0]],
    "nothing": lambda op, inputs: None,
    "the op": lambda op, inputs: op,
    "an array": lambda op, inputs: np.ones(3),
    "another shape": lambda op, inputs: tf.ones([2]),
    "another dtype": lambda op, inputs: tf.cast(inputs[0], tf.float16),
}


@pytest.mark.parametrize("method", ["saliency", "deeplift"])
@pytest.mark.parametrize("rule", _WRONG_RULES.values(), ids=_WRONG_RULES)
def test_a_rule_that_does_not_return_the_outputs_of_its_op(rule: Any, method: str):
    overrides = {"Tanh": rule}
    message_of(
        lambda: _explain(mlp(), method=method, target=0, overrides=overrides), (DeepExplainError, TypeError), "Tanh"
    )


# --- the with-block ---------------------------------------------------------------------------------------

_USES: dict[str, Callable[[dx.DeepExplain], Any]] = {
    "explain": lambda de: de.explain(GRADIENT, X, target=0),
    "explainer": lambda de: de.explainer(GRADIENT),
    "rewrite": lambda de: de.rewrite("deeplift"),
    "coverage": lambda de: de.coverage("deeplift"),
}


@pytest.mark.parametrize("use", _USES.values(), ids=_USES)
def test_use_outside_of_the_with_block(use: Callable[[dx.DeepExplain], Any]):
    de = dx.DeepExplain(mlp())
    message_of(lambda: use(de), ClosedError, "with-block")
    with de:
        use(de)
    message_of(lambda: use(de), ClosedError, "with-block")
    with pytest.raises(KeyError), de:
        raise KeyError("x")
    message_of(lambda: use(de), ClosedError, "with-block")


def test_coverage_of_a_model_never_called_says_what_to_do():
    with dx.DeepExplain(perceptron()) as de:
        message_of(lambda: de.coverage("deeplift"), ModelError, "input_signature=")


# --- rewritten models -------------------------------------------------------------------------------------

_WRONG_FOR_REWRITTEN = {
    "too few features": X[:, :3],
    "a rank too low": X[0],
    "strings": np.array([["a"] * 4]),
    "complex": X * 1j,
    "None": None,
    "lists of numbers": [[1.0, 2.0, 3.0, 4.0]],
    "two arrays": [X, X],
    "no example": X[:0],
    "NaN": X * np.nan,
}


@pytest.mark.parametrize("inputs", _WRONG_FOR_REWRITTEN.values(), ids=_WRONG_FOR_REWRITTEN)
def test_wrong_inputs_of_a_rewritten_model(inputs: Any):
    with dx.DeepExplain(mlp()) as de:
        rewritten = de.rewrite("deeplift")
        message_of(lambda: rewritten(inputs), (InputError, TypeError), "input")


@pytest.mark.parametrize("baseline", [X, X[:, :3], np.nan, "a"], ids=["each", "shape", "NaN", "string"])
def test_a_wrong_baseline_of_a_rewritten_model(baseline: Any):
    with dx.DeepExplain(mlp()) as de:
        message_of(lambda: de.rewrite("deeplift", baseline)(X), (InputError, TypeError), "baseline")
        message_of(lambda: de.rewrite("guided_backprop", baseline), OptionError, "baseline")


# --- fuzzing ----------------------------------------------------------------------------------------------

_NUMBERS = st.one_of(
    st.integers(-5, 5), st.integers(), st.floats(), st.booleans(), st.complex_numbers(), st.text(max_size=2), st.none()
)
_ARRAYS = hnp.arrays(
    dtype=st.sampled_from(["float32", "float64", "float16", "int8", "int64", "uint8", "bool", "complex64", "U1", "O"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
_ANYTHING = st.recursive(
    st.one_of(_NUMBERS, _ARRAYS, st.binary(max_size=2), st.sampled_from([object(), len, int, X, X[0], ...])),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.tuples(inside),
        st.tuples(inside, inside),
        st.dictionaries(st.sampled_from(["features", "other"]), inside, max_size=2),
    ),
    max_leaves=4,
)
_fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def open_explainer():
    with dx.DeepExplain(perceptron(), input_signature=SIGNATURE) as de:
        yield de.explainer("deeplift")


def _attributions_or_refusal(call: Callable[[], dx.Explanation]) -> np.ndarray | None:
    """Returns the attributions, None where the call was refused in due form."""
    try:
        attributions = call().attributions
    except PROMISED as error:
        assert 0 < len(str(error)) <= 500
        return None
    (array,) = tf.nest.flatten(attributions)
    assert array.dtype == np.float32
    assert np.isfinite(array).all()
    return array


def _is_index(value: Any, size: int) -> bool:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    return whole and -size <= value < size


def _is_target(value: Any) -> bool:
    """Whether a value is a target of two examples with three units, as the documentation has it."""
    if value is None or _is_index(value, 3):
        return True
    if isinstance(value, tuple):
        return len(value) == 1 and _is_index(value[0], 3)
    if isinstance(value, list):
        try:
            value = np.array(value)
        except ValueError:
            return False
    if not isinstance(value, np.ndarray):
        return False
    if value.dtype.kind in "iu":
        return value.shape in [(), (2,), (2, 1)] and bool(((value >= -3) & (value < 3)).all())
    with np.errstate(over="ignore"):
        return (
            value.dtype.kind == "f"
            and value.shape in [(2, 3), (1, 3)]
            and bool(np.isfinite(value.astype(np.float32)).all())
        )


@_fuzzed
@given(target=_ANYTHING)
def test_any_target_is_either_right_or_refused(open_explainer, target: Any):
    if callable(target):
        return
    # Weights as large as the dtype's range give attributions beyond it.
    if isinstance(target, np.ndarray) and target.dtype.kind == "f" and target.size and np.abs(target).max() > 1e30:
        return
    found = _attributions_or_refusal(lambda: open_explainer(X, target=target))
    assert (found is not None) == _is_target(target)
    assert found is None or found.shape == (2, 4)


def _finite_numbers(value: Any, limit: float = 1e6) -> bool:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return False
    return bool((np.abs(array.astype(np.float64)) <= limit).all())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_)) and _finite_numbers(value)


def _is_baseline(value: Any) -> bool:
    """Whether a value is a baseline of two examples with four features, as the documentation has it."""
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and not isinstance(value[0], (list, tuple, dict)) and _is_baseline(value[0])
    if isinstance(value, dict):
        return list(value) == ["features"] and _is_baseline([value["features"]])
    if value is None or _is_number(value):
        return True
    shaped = isinstance(value, np.ndarray) and value.shape in [(), (4,), (1, 4), (2, 4)]
    return shaped and _finite_numbers(value)


@_fuzzed
@given(baseline=_ANYTHING)
def test_any_baseline_is_either_right_or_refused(open_explainer, baseline: Any):
    leaves = [leaf for leaf in tf.nest.flatten(baseline) if np.ndim(leaf) in (0, 1, 2)]
    if any(_finite_numbers(leaf, np.inf) and not _finite_numbers(leaf) for leaf in leaves):
        return  # beyond what the nets of a test can tell apart from infinity
    found = _attributions_or_refusal(lambda: open_explainer(X, target=0, baseline=baseline))
    assert (found is not None) == _is_baseline(baseline)


def _is_input(value: Any) -> bool:
    """Whether a value is a batch of examples with four features, as the documentation has it."""
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and isinstance(value[0], np.ndarray) and _is_input(value[0])
    if isinstance(value, dict):
        return list(value) == ["features"] and _is_input([value["features"]])
    shaped = isinstance(value, np.ndarray) and value.ndim == 2 and value.shape[1] == 4 and len(value) > 0
    return shaped and _finite_numbers(value)


@_fuzzed
@given(inputs=_ANYTHING)
def test_any_inputs_are_either_right_or_refused(open_explainer, inputs: Any):
    leaves = [leaf for leaf in tf.nest.flatten(inputs) if np.ndim(leaf) == 2]
    if any(_finite_numbers(leaf, np.inf) and not _finite_numbers(leaf) for leaf in leaves):
        return
    found = _attributions_or_refusal(lambda: open_explainer(inputs, target=0))
    assert (found is not None) == _is_input(inputs)


@_fuzzed
@given(
    name=st.sampled_from(["batch_size", "chunk_size", "seed", "progress", "n_steps", "quadrature", "tolerance"]),
    value=_ANYTHING,
)
def test_any_option_is_refused_when_the_explainer_is_made_or_never(name: str, value: Any):
    with dx.DeepExplain(perceptron()) as de:
        try:
            de.explainer(PATH, **{name: value})
        except PROMISED as error:
            assert 0 < len(str(error)) <= 500
            assert name in str(error)


@_fuzzed
@given(name=st.one_of(st.text(max_size=30), st.sampled_from(METHODS).map(lambda name: name[1:])))
def test_any_name_is_known_or_refused(name: str):
    with dx.DeepExplain(perceptron()) as de:
        try:
            assert de.explainer(name) is not None
        except UnknownNameError as error:
            assert len(str(error)) <= 500
            assert "closest: " in str(error) or "known: " in str(error)
