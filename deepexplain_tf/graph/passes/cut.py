"""Cuts a program at a value, which becomes an input."""

from collections.abc import Sequence

from deepexplain_tf.graph.ir import Node, Program, Value, rewrite


def cut(program: Program, at: Value, argument: Value) -> Program:
    """Returns the program with the value `at` replaced by `argument`, which becomes the first input."""

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        del inputs
        if node is not at.node:
            return None
        return [argument if value == at else value for value in node.outputs()]

    current = rewrite(program.outputs, transform)
    return Program((argument, *program.inputs), tuple(current[value] for value in program.outputs))
