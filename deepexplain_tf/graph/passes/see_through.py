"""Removes custom gradients, so that rules see the ops that compute the value."""

from collections.abc import Sequence
import dataclasses

from deepexplain_tf.graph.ir import Node, Program, Value, rewrite_program


def see_through(program: Program) -> Program:
    """Returns the program without gradient overrides and the IdentityN ops that carry `tf.custom_gradient`s."""

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.bodies:
            bodies = {name: see_through(body) for name, body in node.bodies.items()}
            return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()
        if node.type == "IdentityN":
            return inputs
        return None if node.gradient is None else dataclasses.replace(node, inputs=inputs, gradient=None).outputs()

    return rewrite_program(program, transform)
