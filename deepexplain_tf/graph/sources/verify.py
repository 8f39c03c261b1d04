"""Checks a GraphDef before TensorFlow reads it, which would run out of memory, hang or crash on some."""

from collections.abc import Iterator
import math
from typing import Any

import tensorflow as tf

from deepexplain_tf.errors import ModelError, shortened
from deepexplain_tf.graph.kinds import BRANCHES, CALLS, LOOPS
from deepexplain_tf.graph.sources.library import nodes_of

_MOST_BYTES = 2**31  # the largest file that a GraphDef can have
_MOST_OPS = 1_000_000
_DEEPEST = 100


def verify(graph_def: tf.compat.v1.GraphDef) -> None:
    """Checks the constants of a graph and how its functions call each other.

    Raises:
      ModelError: a constant contradicts its shape or dtype; the constants are too large in all; a function is missing,
        calls itself, or calls too many others.
    """
    _verify_constants(graph_def)
    _verify_functions(graph_def)


def _verify_constants(graph_def: tf.compat.v1.GraphDef) -> None:
    total = 0
    for node in nodes_of(graph_def):
        if node.op != "Const" or not node.attr["value"].HasField("tensor"):
            continue
        tensor, name = node.attr["value"].tensor, shortened(node.name)
        shape = [dim.size for dim in tensor.tensor_shape.dim]
        try:
            dtype = tf.as_dtype(tensor.dtype)
        except TypeError:
            raise ModelError(f"a constant must have a dtype. Got number {tensor.dtype} at {name}.") from None
        if node.attr["dtype"].type != tensor.dtype:
            raise ModelError(f"a constant must have the dtype of its numbers, {dtype.name}. Got another at {name}.")
        claim = f"{dtype.name}{shortened(shape)}"
        if tensor.tensor_shape.unknown_rank or any(size < 0 for size in shape):
            raise ModelError(f"a constant must have a known shape. Got {claim} at {name}.")
        size = math.prod(shape) * (dtype.size or 1)
        total += size
        if total > _MOST_BYTES:
            raise ModelError(f"the constants of a graph must fit into {_MOST_BYTES} bytes. Got {claim} at {name}.")
        held = len(tensor.tensor_content)
        if held not in (0, size) and dtype.is_numpy_compatible and dtype != tf.string:
            raise ModelError(f"a constant must hold as much as its shape says. Got {held} bytes for {claim} at {name}.")


def _verify_functions(graph_def: tf.compat.v1.GraphDef) -> None:
    library = {function.signature.name: function.node_def for function in graph_def.library.function}
    known: dict[str, tuple[int, int]] = {}  # for each function, the ops that it comes to and the depth of its calls

    def measure(nodes: Any, path: tuple[str, ...]) -> tuple[int, int]:
        ops, depth = 0, 0
        for node in nodes:
            ops += 1
            for name in _called(node):
                if name not in library:
                    _require_no_function(node, name)
                    continue
                if name in path:
                    raise ModelError(
                        f"a function must not call itself. Got {shortened(name)}, at {shortened(node.name)}."
                    )
                if name not in known and len(path) < _DEEPEST:
                    known[name] = measure(library[name], (*path, name))
                inside = known.get(name, (0, _DEEPEST))
                ops, depth = ops + inside[0], max(depth, inside[1] + 1)
            if ops > _MOST_OPS or depth + len(path) > _DEEPEST:
                raise ModelError(
                    f"calls of functions must be at most {_DEEPEST} deep and come to at most {_MOST_OPS} ops in all. "
                    f"Got more at {shortened(node.name)}."
                )
        return ops, depth

    measure(graph_def.node, ())
    for name, nodes in library.items():
        if name not in known:
            known[name] = measure(nodes, (name,))


def _require_no_function(node: Any, name: str) -> None:
    """Checks that a name missing from the library is not the name of a function that the op calls."""
    if name != node.op and node.op in CALLS | LOOPS | BRANCHES:
        raise ModelError(
            f"a function that is called must be in the graph's library. Got {shortened(name)} at "
            f"{shortened(node.name)} ({node.op})."
        )


def _called(node: Any) -> Iterator[str]:
    """Yields the names in an op that may be those of functions."""
    yield node.op
    for attr in node.attr.values():
        if attr.HasField("func"):
            yield attr.func.name
        yield from (function.name for function in attr.list.func)
