"""Cuts a program at values, which become inputs."""

from collections.abc import Mapping, Sequence

from deepexplain_tf.graph.ir import Node, Program, Value, rewrite


def cut(program: Program, arguments: Mapping[Value, Value]) -> Program:
    """Returns the program with some values replaced by arguments, which become the first inputs.

    Args:
      program: the program.
      arguments: value → argument; no value depends on another.
    """
    nodes = {value.node for value in arguments}

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        del inputs
        return [arguments.get(value, value) for value in node.outputs()] if node in nodes else None

    current = rewrite(program.outputs, transform)
    return Program((*arguments.values(), *program.inputs), tuple(current[value] for value in program.outputs))
