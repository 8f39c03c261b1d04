"""Turns variables into constants, and computes values that depend on constants alone."""

from collections.abc import Collection, Mapping, Sequence
import dataclasses

import tensorflow as tf

from deepexplain_tf.graph.emit import emit
from deepexplain_tf.graph.ir import CAPTURE, Node, Program, Value, constant, rewrite_program
from deepexplain_tf.graph.kinds import BRANCHES
from deepexplain_tf.graph.passes.invariants import hoistable


def freeze(program: Program, kept: Collection[Value] = ()) -> Program:
    """Returns the program with variables as constants of their present values, inside loops and branches too.

    Args:
      program: the program.
      kept: the handles of variables that stay.
    """
    return _frozen(program, {}, kept)


def _frozen(program: Program, handles: Mapping[Value, tf.Tensor], kept: Collection[Value] = ()) -> Program:
    """Returns a frozen program; `handles` are those of its inputs that are variables, with their tensors."""

    def handle(value: Value) -> tf.Tensor | None:
        if value in kept:
            return None
        return value.node.tensor if value.node.type == CAPTURE else handles.get(value)

    def transform(node: Node, inputs: tuple[Value, ...]) -> Sequence[Value] | None:
        if node.type == "ReadVariableOp" and handle(inputs[0]) is not None:
            (output,) = node.outputs()
            with tf.init_scope():  # outside of any graph that is being built
                value = tf.raw_ops.ReadVariableOp(resource=handle(inputs[0]), dtype=output.dtype)
            return [constant(node.name, value.numpy(), output.dtype)]
        if _is_fixed(node):
            (output,) = node.outputs()
            return [constant(node.name.partition(":")[0], tf.get_static_value(node.tensor), output.dtype)]
        if not node.bodies:
            return None
        passed = [handle(value) for value in (inputs[1:] if node.type in BRANCHES else inputs)]
        bodies = {name: _frozen(body, _known(body, passed)) for name, body in node.bodies.items()}
        return dataclasses.replace(node, inputs=inputs, bodies=bodies).outputs()

    return rewrite_program(program, transform)


def _is_fixed(node: Node) -> bool:
    """Whether a node captures an eager tensor, whose numbers never change."""
    return (
        node.type == CAPTURE and hasattr(node.tensor, "numpy") and node.output().dtype not in (tf.resource, tf.variant)
    )


def _known(body: Program, passed: Sequence[tf.Tensor | None]) -> dict[Value, tf.Tensor]:
    pairs = zip(body.inputs, passed, strict=True)
    return {argument: tensor for argument, tensor in pairs if tensor is not None and tensor.dtype == tf.resource}


def precompute(program: Program) -> Program:
    """Returns the program with constants in place of the real numbers that it computes from constants alone."""
    known: set[Value] = set()
    for node in program.nodes():
        if node.type == "Const" or _is_fixed(node) or (node.inputs and all(value in known for value in node.inputs)):
            known.update(node.outputs())
    values = [value for value in hoistable(program) if value in known]
    if not values:
        return program
    with tf.init_scope():  # outside of any graph that is being built
        function = tf.function(lambda: emit(Program((), tuple(values)), {}), autograph=False)
        computed = function.get_concrete_function()()  # a call of `function` would count as a retrace, and warn
    constants = {
        value: constant(f"{value.node.name}/constant", tensor.numpy(), value.dtype)
        for value, tensor in zip(values, computed, strict=True)
    }
    return rewrite_program(program, lambda *_: None, constants)
