"""Signatures: by which shapes and dtypes of its arguments a program is traced."""

from collections.abc import Mapping
import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import flatten_like
from deepexplain_tf.graph.sources.source import Source


def with_lengths(source: Source, inputs: Any) -> Source:
    """Returns a model whose inputs have the lengths of the data on all axes but the batch."""
    pairs = zip(flatten_like(inputs, source.specs, "inputs"), tf.nest.flatten(source.specs), strict=True)
    specs = [
        # Strings may come as a column or not, and then have no lengths.
        tf.TensorSpec(
            [spec.shape[0], *array.shape[1:]] if spec.dtype != tf.string else spec.shape, spec.dtype, spec.name
        )
        for array, spec in pairs
    ]
    return dataclasses.replace(source, specs=tf.nest.pack_sequence_as(source.specs, specs))


def signature(inputs: Any) -> Any:
    """Returns the key of a trace: the structure, the dtypes and the shape of one example."""
    leaves = tf.nest.flatten(inputs)
    arrays = [leaf if tf.is_tensor(leaf) else np.asarray(leaf) for leaf in leaves]
    shape = tuple((tf.as_dtype(array.dtype), tuple(array.shape[1:])) for array in arrays)
    keys = tuple(sorted(inputs)) if isinstance(inputs, Mapping) else type(inputs).__name__ if len(leaves) > 1 else ""
    return keys, shape


def open_spec(array: Any) -> tf.TensorSpec:
    """Returns a spec with the dtype and rank of an argument, and open axes."""
    return tf.TensorSpec([None] * len(array.shape), tf.as_dtype(array.dtype))
