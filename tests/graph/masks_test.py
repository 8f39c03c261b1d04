from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf

from deepexplain_tf.graph.masks import find_masks
from deepexplain_tf.graph.read import read_function


@pytest.mark.parametrize(
    ("function", "types"),
    [
        (lambda x: tf.where(tf.reduce_any(x != -1, 2), 1.0, 2.0), ["Any"]),
        (lambda x: tf.where(tf.reduce_all(tf.equal(tf.sin(x), 0), 2), 1.0, 2.0), ["All"]),
        (lambda x: tf.where(x != 0, x, 3.0), ["NotEqual"]),
        (lambda x: tf.cast(x != 0, x.dtype) * tf.cast(x[:, :1] == 1, x.dtype), ["NotEqual", "Equal"]),
        (lambda x: tf.where(x > 0, x, 3.0), []),
        (lambda x: tf.where(tf.equal(x, tf.sin(x)), x, 3.0), []),
        (lambda x: tf.where(tf.constant([0.0, 1.0]) != 0, x, 3.0), []),
        (lambda x: tf.where(tf.shape(x)[1] != 3, x, 3.0), []),
    ],
)
def test_masks_are_comparisons_with_constants(function: Callable[[Any], Any], types: list[str]):
    spec = tf.TensorSpec([None, 4, 2])
    program, _ = read_function(tf.function(function, autograph=False).get_concrete_function(spec))
    assert [value.node.type for value in find_masks(program.inputs, program.outputs)] == types
