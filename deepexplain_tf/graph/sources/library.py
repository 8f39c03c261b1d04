"""Gives the functions of a GraphDef names that are unique in the process."""

from collections.abc import Iterator
import itertools
from typing import Any

import tensorflow as tf

_NUMBERS = itertools.count()


def with_unique_names(graph_def: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """Returns the GraphDef with function names that no other import has.

    TensorFlow keeps the functions of all graphs in one table. With the original names, two models with different
    functions of the same name could not be loaded side by side.
    """
    number = next(_NUMBERS)
    names = {function.signature.name: f"{function.signature.name}_{number}" for function in graph_def.library.function}
    if not names:
        return graph_def
    renamed = tf.compat.v1.GraphDef()
    renamed.CopyFrom(graph_def)
    for function in renamed.library.function:
        function.signature.name = names[function.signature.name]
    for gradient in renamed.library.gradient:
        gradient.function_name = names.get(gradient.function_name, gradient.function_name)
        gradient.gradient_func = names.get(gradient.gradient_func, gradient.gradient_func)
    for node in nodes_of(renamed):
        node.op = names.get(node.op, node.op)
        for attr in node.attr.values():
            for called in [attr.func] if attr.HasField("func") else attr.list.func:
                called.name = names.get(called.name, called.name)
    return renamed


def nodes_of(graph_def: tf.compat.v1.GraphDef) -> Iterator[Any]:
    """Yields the NodeDefs of a graph and of its functions."""
    yield from graph_def.node
    for function in graph_def.library.function:
        yield from function.node_def
