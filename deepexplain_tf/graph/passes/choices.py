"""Products with a condition, `x * cast(condition)`, written as the choices that they are."""

from collections.abc import Collection, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.activity import analyse
from deepexplain_tf.graph.ir import Node, Program, Value, constant, is_one, new_op, rewrite_program
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS

_PRODUCTS = ("Mul", "MulNoNan")
# Ops that put the numbers of their first input elsewhere.
_MOVED = frozenset(("BroadcastTo", "ExpandDims", "Identity", "Reshape", "Squeeze", "Tile", "Transpose"))


def choices(program: Program, explained: Collection[Value]) -> Program:
    """Returns the program in which what is multiplied by a condition is chosen by it, or else 0.

    A rule for products would ask how the condition, as a number, depends on the explained values.

    Args:
      program: any program.
      explained: the inputs on which values and conditions depend; other products stay.
    """
    activity = analyse(explained, program.outputs)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        active = activity.inputs(node)
        if node.type in LOOPS | BRANCHES and active:
            bodies = {name: choices(body, activity.varying_arguments(node, body)) for name, body in node.bodies.items()}
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        if not node.is_plain(*_PRODUCTS) or len(active) != 2:
            return None
        if _condition(node.output()) is not None:
            return None  # one condition, which a product that reads it is chosen by
        for value, factor in (inputs, inputs[::-1]):
            condition = _condition(factor)
            if condition is not None:
                zero = constant("choices/zero", 0, value.dtype)
                attrs = {"T": value.dtype}
                return (new_op(node.name, "SelectV2", (condition, value, zero), node.output().spec, attrs),)
        return None

    return rewrite_program(program, transform)


def _condition(value: Value) -> Value | None:
    """Returns the truth values that a value holds as 1 and 0, None where it does not."""
    node = value.node
    if node.gradient is not None:
        return None
    if node.type == "Cast":
        (given,) = node.inputs
        return given if given.dtype == tf.bool else _condition(given)
    if node.type in _MOVED:
        moved = _condition(node.inputs[0])
        if moved is None:
            return None
        spec = tf.TensorSpec(value.shape, tf.bool)
        attrs = {**node.attrs, "T": tf.compat.v1.AttrValue(type=tf.bool.as_datatype_enum)}
        return dataclasses.replace(node, inputs=(moved, *node.inputs[1:]), specs=(spec,), attrs=attrs).output()
    if node.type == "Sub" and is_one(node.inputs[0].node):
        return _logical("LogicalNot", value, node.inputs[1:])
    return _logical("LogicalAnd", value, node.inputs) if node.type in _PRODUCTS else None


def _logical(type_: str, value: Value, operands: Sequence[Value]) -> Value | None:
    """Returns a logical op of conditions that stands for one of numbers, None where an operand is no condition."""
    conditions = [found for found in map(_condition, operands) if found is not None]
    if len(conditions) < len(operands):
        return None
    return new_op(value.node.name, type_, conditions, tf.TensorSpec(value.shape, tf.bool), {})
