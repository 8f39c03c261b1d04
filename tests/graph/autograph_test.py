"""A user's tf.function converts its own Python, the model's and the target's, but not the library's."""

from collections.abc import Callable
import traceback
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx

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
    own = {"tf__users", "tf__explained", "<lambda>", "tf__wrapper"}  # of this file; the last is TensorFlow's
    assert "tf__users" in converted and converted <= own, converted
    np.testing.assert_allclose(found, expected, rtol=1e-6)
