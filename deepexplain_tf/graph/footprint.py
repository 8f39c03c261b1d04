"""Estimates the memory that the activations of a program take."""

from collections.abc import Collection, Iterable
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Value
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS


def footprint(explained: Collection[Value], outputs: Iterable[Value], length: int = 1) -> int:
    """Returns the bytes of one example's activations, which a gradient holds until its backward pass is done.

    Args:
      explained: the explained values.
      outputs: the program's outputs.
      length: the length assumed for open axes, and the number of iterations assumed for loops.
    """
    activity = analyse(explained, outputs)
    total = 0
    for node in activity.nodes:
        if not activity.is_active(node):
            continue
        if node.type in LOOPS | BRANCHES:
            bodies = [
                footprint(activity.varying_arguments(node, body), body.outputs, length) for body in node.bodies.values()
            ]
            total += length * sum(bodies) if node.type in LOOPS else max(bodies)
        else:
            total += sum(value_bytes(value, length) for value in node.outputs() if value in activity.varying)
    return total


def value_bytes(value: Value, length: int = 1) -> int:
    """Returns the bytes of a value for one example; the value's first open axis is taken for the batch."""
    shape = value.shape.as_list() if value.shape.rank else []
    if None in shape:
        shape.remove(None)
    # A list of tensors holds values that are counted already.
    return 0 if value.dtype == tf.variant else math.prod(size or length for size in shape) * value.dtype.size
