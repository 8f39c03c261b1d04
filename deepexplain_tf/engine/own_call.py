"""The model's own call, beside which a program is compared, and which tells why a program fails."""

from collections.abc import Iterator, Sequence
import contextlib
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.graph.trace import Traced


def own_outputs(source: Source, traced: Traced, inputs: Sequence[Any]) -> list[tf.Tensor]:
    """Returns the outputs of the model's own call, without those that are None; its variables keep their values.

    Args:
      source: the model as a callable.
      traced: its trace.
      inputs: `[rows, ...]` for each input.
    """
    tensors = [tf.convert_to_tensor(array) for array in inputs]
    with _unchanged(traced.assigned):
        outputs = source.call(tf.nest.pack_sequence_as(traced.specs, tensors))
    return [leaf for leaf in tf.nest.flatten(outputs) if leaf is not None]


@contextlib.contextmanager
def _unchanged(variables: Sequence[tf.Variable]) -> Iterator[None]:
    """Gives variables their values back at the end."""
    values = [variable.read_value() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
