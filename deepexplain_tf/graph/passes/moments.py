"""Variances whose mean stops the gradient, opened for a second derivative."""

from collections.abc import Sequence
import dataclasses

from deepexplain_tf.graph.ir import Node, Program, Value, new_op, rewrite_program
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS


def open_moments(program: Program) -> Program:
    """Returns the program in which the mean of a variance, mean((y − stop(mean(y)))²), no longer stops the gradient.

    `tf.nn.moments` stops it since its first derivative is 0 there, which the second is not. Other stops stay.
    """
    opened = _stops(program)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type in LOOPS | BRANCHES:
            bodies = {name: open_moments(body) for name, body in node.bodies.items()}
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        if node not in opened:
            return None
        return (new_op(node.name, "Identity", inputs, node.output().spec, {"T": node.output().dtype}),)

    return rewrite_program(program, transform)


def _stops(program: Program) -> set[Node]:
    """Returns the stops that nothing reads but the square of a variance."""
    nodes = program.nodes()
    stop_of = {node.inputs[0].node: stop for node in nodes if (stop := _stop_of(node)) is not None}
    read = {value.node for node in nodes if node not in stop_of for value in node.inputs}
    return set(stop_of.values()) - read - {value.node for value in program.outputs}


def _stop_of(node: Node) -> Node | None:
    """Returns the stop inside a variance, None for any other op."""
    if not node.is_plain("Mean"):
        return None
    square, axes = node.inputs
    if not square.node.is_plain("SquaredDifference"):
        return None
    for y, stop in (square.node.inputs, square.node.inputs[::-1]):
        mean = stop.node.inputs[0].node if stop.node.is_plain("StopGradient") else None
        if mean is not None and mean.is_plain("Mean") and mean.inputs[0] == y and _same(mean.inputs[1], axes):
            return stop.node
    return None


def _same(axes: Value, others: Value) -> bool:
    if axes == others:
        return True
    return all(v.node.type == "Const" for v in (axes, others)) and axes.node.attrs == others.node.attrs
