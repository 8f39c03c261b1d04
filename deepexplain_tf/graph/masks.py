"""Masks that a program makes of its inputs, as Keras' `Masking` does."""

from collections.abc import Collection, Iterable

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Node, Value

_COMPARISONS = ("Equal", "NotEqual")
_REDUCTIONS = ("All", "Any")


def find_masks(explained: Collection[Value], outputs: Iterable[Value]) -> tuple[Value, ...]:
    """Returns truth values `[batch, ...]` that compare what depends on `explained` with constants, or their All or Any.

    Args:
      explained: the explained values.
      outputs: the program's outputs.
    """
    activity = analyse(explained, outputs)

    def compares(node: Node) -> bool:
        return node.type in _COMPARISONS and sum(value in activity.varying for value in node.inputs) == 1

    compared = [node.output() for node in activity.nodes if compares(node)]
    reduced = {node.inputs[0]: node.output() for node in activity.nodes if node.type in _REDUCTIONS}
    masks = dict.fromkeys(reduced.get(value, value) for value in compared)
    return tuple(value for value in masks if value.shape.rank)
