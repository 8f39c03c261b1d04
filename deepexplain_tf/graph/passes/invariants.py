"""Finds invariants: the values that a program computes from variables and constants alone, for any example."""

from deepexplain_tf.graph.draws import DRAWN
from deepexplain_tf.graph.ir import ARGUMENT, Program, Value


def invariants(program: Program) -> frozenset[Value]:
    """Returns the values that depend on no input of the program and on no random op."""
    fixed: set[Value] = set()
    for node in program.nodes():
        if node.type != ARGUMENT and node.type not in DRAWN and all(value in fixed for value in node.inputs):
            fixed.update(node.outputs())
    return frozenset(fixed)


def hoistable(program: Program) -> list[Value]:
    """Returns the computed, floating invariants that other ops read, so that a loop need not compute them again."""
    fixed = invariants(program)
    read = [value for node in program.nodes() if node.output() not in fixed for value in node.inputs]
    needed = dict.fromkeys(value for value in (*read, *program.outputs) if value in fixed and value.dtype.is_floating)
    return [value for value in needed if value.node.inputs]
