"""The model's own call, beside which a program is compared, and which tells why a program fails."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from deepexplain_tf.graph.sources.source import Source
from deepexplain_tf.graph.trace import Traced, unchanged


def own_outputs(source: Source, traced: Traced, inputs: Sequence[Any]) -> list[tf.Tensor]:
    """Returns the outputs of the model's own call, without those that are None; its variables keep their values.

    Args:
      source: the model as a callable.
      traced: its trace.
      inputs: `[rows, ...]` for each input.
    """
    return repeated_outputs(source, traced, inputs, 1)[0]


def repeated_outputs(source: Source, traced: Traced, inputs: Sequence[Any], runs: int) -> list[list[tf.Tensor]]:
    """Returns the same of several calls, one after the other; in the end variables have the values of before."""
    tensors = [tf.convert_to_tensor(array) for array in inputs]
    with unchanged(traced.assigned):
        outputs = [source.call(tf.nest.pack_sequence_as(traced.specs, tensors)) for _ in range(runs)]
    return [[leaf for leaf in tf.nest.flatten(output) if leaf is not None] for output in outputs]
