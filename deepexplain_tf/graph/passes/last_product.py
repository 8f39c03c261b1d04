"""Takes a last dense layer apart, so that a target which is one unit does not compute the other units."""

from collections.abc import Collection

import tensorflow as tf

from deepexplain_tf.graph.ir import Program, Value
from deepexplain_tf.graph.passes.invariants import invariants

_SUMS = ("AddV2", "Add", "BiasAdd")
_WIDE = (tf.float32, tf.float64)  # products of these dtypes are not accumulated in a wider one


def last_product(program: Program) -> Program | None:
    """Returns the program of the parts h `[batch, d]`, K `[d, units]` and, if any, b `[units]`; None for others.

    The given program's only output is h·K, or h·K + b, with K and b the same for all examples. Unit u is then
    h·K[:, u] + b[u].
    """
    (output,) = program.outputs
    while output.node.is_plain("Identity"):
        (output,) = output.node.inputs
    fixed = invariants(program)
    shift = _shift(output, fixed)
    product = output if shift is None else _other(output, shift)
    node = product.node
    if (
        not node.is_plain("MatMul")
        or output.dtype not in _WIDE
        or node.inputs[1] not in fixed
        or node.inputs[0] in fixed
    ):
        return None
    hidden, kernel = node.inputs
    if node.attrs["transpose_a"].b or node.attrs["transpose_b"].b or not kernel.shape.is_fully_defined():
        return None
    return Program(program.inputs, (hidden, kernel) if shift is None else (hidden, kernel, shift))


def _shift(value: Value, fixed: Collection[Value]) -> Value | None:
    """Returns the summand of each unit (the bias), None if the value is no such sum."""
    if not value.node.is_plain(*_SUMS):
        return None
    units = value.shape[-1:]
    shifts = [operand for operand in value.node.inputs if operand in fixed and operand.shape == units]
    return shifts[0] if len(shifts) == 1 and units.is_fully_defined() else None


def _other(value: Value, shift: Value) -> Value:
    first, second = value.node.inputs
    return first if second == shift else second
