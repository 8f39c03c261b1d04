"""The ops that compute what is selected from an op's output from what is selected from its operands."""

from collections.abc import Mapping, Sequence
import dataclasses
import itertools
from typing import NamedTuple, TypeAlias

import tensorflow as tf

from deepexplain_tf.graph.axes import PASSED_ON, PRODUCTS, REDUCTIONS, VIEWS, Label
from deepexplain_tf.graph.ir import Node, Value, constant, new_op
from deepexplain_tf.graph.passes.index_places import At, stem

ROWS: Label = "rows"  # the first axis of what is selected at places that differ from row to row


class Plan(NamedTuple):
    """How the numbers of an op at some places come from those of its operands.

    Attributes:
      operands: the operands, and their places.
      labels: the axes of what is selected from each operand.
      wanted: the axes of the result.
      shape: the sizes of the result's axes, where they differ from those of the operand.
    """

    operands: list[tuple[Value, At]]
    labels: list[list[Label]]
    wanted: list[Label]
    shape: list[int] | None = None


Demand: TypeAlias = At | None  # None: a value as a whole


def built(node: Node, plan: Plan, made: Mapping[tuple[Value, Demand], Value]) -> Value:
    """Returns the result of an op at some places."""
    operands = [made[value, at] for value, at in plan.operands]
    if node.type in PRODUCTS:
        return _einsum(node, operands, plan)
    if node.type in PASSED_ON:
        return operands[0]
    if plan.shape is not None:
        shape = constant(f"{node.name}/shape", plan.shape, tf.int32)
        spec = tf.TensorSpec([None if size < 0 else size for size in plan.shape], node.output().dtype)
        return new_op(f"{node.name}/at", "Reshape", (operands[0], shape), spec, {"T": spec.dtype, "Tshape": tf.int32})
    if node.type in REDUCTIONS:
        return _arranged(*_reduced(node, operands[0], plan), plan.wanted)
    if node.type in VIEWS | {"Reshape", "StridedSlice"}:
        return _arranged(operands[0], plan.labels[0], plan.wanted)
    aligned = [
        _arranged(operand, labels, plan.wanted) if ROWS in labels else operand
        for operand, labels in zip(operands, plan.labels, strict=True)
    ]
    shape = aligned[0].shape
    for operand in aligned[1:]:
        shape = tf.broadcast_static_shape(shape, operand.shape)
    spec = tf.TensorSpec(shape, node.output().dtype)
    if node.type == "BiasAdd":
        return new_op(f"{node.name}/at", "AddV2", aligned, spec, {"T": spec.dtype})
    return dataclasses.replace(node, name=f"{node.name}/at", inputs=tuple(aligned), specs=(spec,)).output()


def _einsum(node: Node, operands: Sequence[Value], plan: Plan) -> Value:
    letters = dict(zip(dict.fromkeys(itertools.chain(*plan.labels)), "abcdefghijklmnopqrstuvwxyz", strict=False))
    sizes = {
        label: size
        for operand, labels in zip(operands, plan.labels, strict=True)
        for label, size in zip(labels, operand.shape, strict=True)
    }
    before = ",".join("".join(letters[label] for label in labels) for labels in plan.labels)
    equation = f"{before}->{''.join(letters[label] for label in plan.wanted)}"
    spec = tf.TensorSpec([sizes[label] for label in plan.wanted], node.output().dtype)
    return new_op(
        f"{node.name}/at",
        "Einsum",
        operands,
        spec,
        {"T": spec.dtype, "N": len(operands), "equation": equation.encode()},
    )


def _reduced(node: Node, value: Value, plan: Plan) -> tuple[Value, list[Label]]:
    """Returns a reduction of what is selected, without the reduced axes, and its labels."""
    labels = plan.labels[0]
    axes = [place for place, label in enumerate(labels) if label != ROWS and label not in plan.wanted]
    kept = [label for place, label in enumerate(labels) if place not in axes]
    spec = tf.TensorSpec([size for place, size in enumerate(value.shape) if place not in axes], value.dtype)
    which = constant(f"{node.name}/axes", axes, tf.int32)
    attrs = {"T": spec.dtype, "Tidx": tf.int32, "keep_dims": False}
    return new_op(f"{node.name}/at", node.type, (value, which), spec, attrs), kept


def _arranged(value: Value, labels: Sequence[Label], wanted: Sequence[Label]) -> Value:
    """Returns a value with its axes in the wanted order, and with axes of length 1 for those that it lacks."""
    order = [labels.index(label) for label in wanted if label in labels]
    assert len(order) == len(labels)
    name, dtype = stem(value), value.dtype
    if order != sorted(order):
        spec = tf.TensorSpec([value.shape[axis] for axis in order], dtype)
        operands = (value, constant(f"{name}/order", order, tf.int32))
        value = new_op(f"{name}/moved", "Transpose", operands, spec, {"T": dtype, "Tperm": tf.int32})
    for place, label in enumerate(wanted):
        if label not in labels:
            spec = tf.TensorSpec([*value.shape[:place], 1, *value.shape[place:]], dtype)
            operands = (value, constant(f"{name}/place", place, tf.int32))
            value = new_op(f"{name}/expanded", "ExpandDims", operands, spec, {"T": dtype, "Tdim": tf.int32})
    return value
