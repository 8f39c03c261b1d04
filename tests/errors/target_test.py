"""Wrong targets."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import TargetError
from tests.checks import message_of
from tests.errors.refused import GRADIENT, METHODS, X, refuses
from tests.models import filled, mlp

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
    "a built-in": (float, ("target 'float'",)),
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
