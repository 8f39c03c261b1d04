"""Variances whose mean stops the gradient, opened for a second derivative."""

from collections.abc import Collection, Sequence
import dataclasses

from deepexplain_tf.graph.ir import Node, Program, Value, new_op, rewrite_program
from deepexplain_tf.graph.kinds import BRANCHES, LOOPS


def open_moments(program: Program) -> Program:
    """Returns the program in which the mean of a variance, mean((y − stop(mean(y)))²), no longer stops the gradient.

    `tf.nn.moments` stops it since its first derivative is 0 there, which the second is not. Other stops stay.
    """
    nodes = program.nodes()
    stops = {stop for node in nodes if (stop := _stop_of(node)) is not None}
    elsewhere = _used_elsewhere(stops, nodes, program.outputs)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type in LOOPS | BRANCHES:
            bodies = {name: open_moments(body) for name, body in node.bodies.items()}
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        if node not in stops or node in elsewhere:
            return None
        return (new_op(node.name, "Identity", inputs, node.output().spec, {"T": node.output().dtype}),)

    return rewrite_program(program, transform)


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


def _used_elsewhere(stops: Collection[Node], nodes: Sequence[Node], outputs: Sequence[Value]) -> set[Node]:
    """Returns the stops that anything but the square of a variance reads."""
    inside = {node.inputs[0].node for node in nodes if _stop_of(node) is not None}
    read = {value.node for node in nodes if node not in inside for value in node.inputs}
    return {stop for stop in stops if stop in read or stop in {value.node for value in outputs}}
