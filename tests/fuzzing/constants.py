"""Mutations of the constants in a GraphDef."""

from typing import Any

import tensorflow as tf

from tests.fuzzing.graphs import TYPES, node_of, random_shape
from tests.fuzzing.table import NotApplicable, Random, of_graphs, one_of


def _constant(graph: Any, random: Random) -> Any:
    return node_of(graph, random, lambda node: node.op == "Const").attr["value"].tensor


@of_graphs()
def giant_constant(graph: Any, random: Random) -> None:
    tensor = _constant(graph, random)
    del tensor.tensor_shape.dim[:]
    shapes = [(2**20, 2**20), (2**40,), (2**62, 4), (2**31, 2**31, 2), (2**35, 3, 3), (2**63 - 1,), (2**62, 0, 2**62)]
    for size in one_of(random, shapes):
        tensor.tensor_shape.dim.add(size=size)
    if random.random() < 0.6:
        tensor.tensor_content = b""
        tensor.float_val.append(1.0)
        tensor.int_val.append(1)


@of_graphs()
def constant_of_another_shape(graph: Any, random: Random) -> None:
    random_shape(_constant(graph, random).tensor_shape, random)


@of_graphs()
def constant_with_other_content(graph: Any, random: Random) -> None:
    tensor = _constant(graph, random)
    change = random.integers(6)
    if change == 0:
        tensor.tensor_content = tensor.tensor_content[: int(random.integers(len(tensor.tensor_content) + 1))]
    elif change == 1:
        tensor.tensor_content += random.bytes(5)
    elif change == 2:
        tensor.float_val.extend([1.0] * int(random.integers(1, 200)))
    elif change == 3:
        tensor.string_val.append(b"\xff")
    elif change == 4:
        tensor.dtype = one_of(random, TYPES)
    else:
        tensor.Clear()


@of_graphs()
def constant_of_other_numbers(graph: Any, random: Random) -> None:
    """The same shape and type with other numbers: huge, not finite, negative, zero."""
    tensor = _constant(graph, random)
    old = tf.make_ndarray(tensor)
    if old.dtype.kind not in "if":
        raise NotApplicable
    wholes = [-(2**31), -2, -1, 0, 1, 2, 2**31 - 1]
    value = one_of(random, wholes if old.dtype.kind == "i" else [float("nan"), float("inf"), 1e38, 1e-40, 0.0, -1.0])
    flat = old.reshape(-1).copy()
    if flat.size:
        flat[random.integers(flat.size)] = value
    tensor.CopyFrom(tf.make_tensor_proto(flat.reshape(old.shape)))
