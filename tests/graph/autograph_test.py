"""A user's tf.function converts its own Python, the model's and the target's, but not the library's."""

from collections.abc import Callable
import traceback
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.errors import InputError
from deepexplain_tf.graph.autograph import unconverted

X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, -1.0]], np.float32)
SIGNATURE = [tf.TensorSpec([None, 2])]


def model(x: tf.Tensor) -> tf.Tensor:
    """A model that needs AutoGraph: its loop runs over a tensor."""
    for number in tf.range(1, 3):
        x = tf.nn.relu(x @ tf.constant([[1.0, -2.0], [0.5, 4.0]]) + tf.cast(number, tf.float32))
    return x


def target(outputs: tf.Tensor) -> tf.Tensor:
    """A target that needs AutoGraph: its branch depends on a tensor."""
    return outputs[:, 0] if tf.shape(outputs)[1] > 1 else outputs[:, 1]


def _explain(de: dx.DeepExplain) -> Callable[[Any], Any]:
    return lambda x: de.explain("gradient_x_input", x, target=target).attributions


def _explainer(de: dx.DeepExplain) -> Callable[[Any], Any]:
    explainer = de.explainer("gradient_x_input", target=target)
    return lambda x: explainer(x).attributions


def _block(de: dx.DeepExplain) -> Callable[[Any], Any]:
    del de

    def explained(x: Any) -> Any:
        with dx.DeepExplain(model, overrides={"Relu": relu}) as block:
            return block.explain("gradient_x_input", x, target=target).attributions

    return explained


def _rewrite(de: dx.DeepExplain) -> Callable[[Any], Any]:
    return de.rewrite("saliency")


_converted: set[str] = set()


def relu(op: Any, inputs: Any) -> list[tf.Tensor]:
    """A rule, which notes what converted functions it is called from."""
    del op
    frames = traceback.extract_stack()
    _converted.update(frame.name for frame in frames if "__autograph_generated" in frame.filename)
    return [tf.nn.relu(inputs[0])]


@pytest.mark.parametrize("way", [_explain, _explainer, _block, _rewrite])
def test_only_the_users_functions_are_converted(way: Any):
    with dx.DeepExplain(model, input_signature=SIGNATURE, overrides={"Relu": relu}) as de:
        function = way(de)
        _converted.clear()

        @tf.function
        def users(x: tf.Tensor) -> Any:
            return function(x)

        found = users(tf.constant(X))
        converted = set(_converted)
        expected = function(X)
    own = {"tf__users", "tf__explained", "<lambda>", "tf__call"}  # of this file; the last is that of `unconverted`
    assert "tf__users" in converted and converted <= own, converted
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_an_error_is_printed_without_the_frames_of_tensorflow_between():
    def refuse() -> None:
        raise InputError("a refusal")

    @unconverted
    def explain() -> None:
        tf.function(refuse, autograph=False).get_concrete_function()

    with pytest.raises(InputError) as caught:
        explain()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names == ["test_an_error_is_printed_without_the_frames_of_tensorflow_between", "call", "explain", "refuse"]


def test_another_error_keeps_all_frames():
    def fail() -> None:
        raise RuntimeError("a failure")

    @unconverted
    def explain() -> None:
        tf.function(fail, autograph=False).get_concrete_function()

    with pytest.raises(RuntimeError) as caught:
        explain()
    assert len(traceback.extract_tb(caught.value.__traceback__)) > 5
