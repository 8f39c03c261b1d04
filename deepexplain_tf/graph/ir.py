"""The records of a traced program: nodes, their values, and the programs they form.

A program is a set of values reached backwards from its outputs, so that it needs no list of nodes: a pass
that makes new nodes returns new outputs, and what nothing reaches is gone.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
import dataclasses
from typing import Any, NamedTuple

import tensorflow as tf

ARGUMENT = "Argument"  # an input of the program
CAPTURE = "Capture"  # a tensor of the outside: a variable's handle or a constant
GROUP = "Group"  # several element-wise ops that are one scalar function


@dataclasses.dataclass(eq=False, frozen=True, slots=True)
class Node:
    """One op, or one of the three special types above.

    Attributes:
      name: the op's name in the traced graph.
      type: the TensorFlow op type, such as `"Relu"`.
      inputs: the values it reads.
      specs: dtype and shape of each output.
      attrs: the attributes of the NodeDef.
      device: the device string, or `""`.
      bodies: the programs inside: of a Group its members as `"body"`, of a loop or branch those that its
        attributes name.
      gradient: of an op with a user's own gradient, that gradient as a program of the upstream gradients.
      tensor: of a Capture, the tensor.
      compiled: whether the model has the op compiled by XLA, on its own.
    """

    name: str
    type: str
    inputs: "tuple[Value, ...]"
    specs: tuple[tf.TensorSpec, ...]
    attrs: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    device: str = ""
    bodies: "Mapping[str, Program]" = dataclasses.field(default_factory=dict)
    gradient: "Program | None" = None
    tensor: tf.Tensor | None = None
    compiled: bool = False

    def output(self, index: int = 0) -> "Value":
        """Returns the value of one output."""
        return Value(self, index)

    def outputs(self) -> "tuple[Value, ...]":
        """Returns the values of all outputs."""
        return tuple(Value(self, index) for index in range(len(self.specs)))


class Value(NamedTuple):
    """One output of a node."""

    node: Node
    position: int

    @property
    def spec(self) -> tf.TensorSpec:
        """Its dtype and static shape."""
        return self.node.specs[self.position]

    @property
    def dtype(self) -> tf.DType:
        """The element type."""
        return self.spec.dtype

    @property
    def shape(self) -> tf.TensorShape:
        """The static shape, with None where it is open."""
        return self.spec.shape

    @property
    def differentiable(self) -> bool:
        """Whether it holds real numbers: floating, complex, or a list of tensors that may be so."""
        dtype = self.dtype
        if dtype == tf.variant:
            if "element_dtype" not in self.node.attrs:
                return True
            dtype = tf.as_dtype(self.node.attrs["element_dtype"].type)
        return dtype.is_floating or dtype.is_complex


def new_op(
    name: str, type_: str, inputs: "Sequence[Value]", spec: tf.TensorSpec, attrs: Mapping[str, tf.DType | bytes | int]
) -> Value:
    """Returns the output of an op that the model does not have.

    Args:
      name: its name.
      type_: the TensorFlow op type.
      inputs: the values that it reads.
      spec: dtype and shape of its one output.
      attrs: its attributes, types, strings or numbers.
    """
    protos = {key: _attribute(value) for key, value in attrs.items()}
    return Node(name, type_, tuple(inputs), (spec,), protos).output()


def constant(name: str, value: Any, dtype: tf.DType) -> Value:
    """Returns a constant that the model does not have."""
    proto = tf.make_tensor_proto(value, dtype)
    attrs = {"dtype": _attribute(dtype), "value": tf.compat.v1.AttrValue(tensor=proto)}
    return Node(name, "Const", (), (tf.TensorSpec(tf.TensorShape(proto.tensor_shape), dtype),), attrs).output()


def _attribute(value: tf.DType | bytes | int) -> Any:
    if isinstance(value, bytes):
        return tf.compat.v1.AttrValue(s=value)
    if isinstance(value, int):
        return tf.compat.v1.AttrValue(i=value)
    return tf.compat.v1.AttrValue(type=value.as_datatype_enum)


@dataclasses.dataclass(frozen=True)
class Program:
    """Values computed from arguments. A gradient's program also reads values of the program around it."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def nodes(self) -> list[Node]:
        """Returns the nodes behind the outputs, each after those that it reads."""
        return order(self.outputs)


def order(outputs: Iterable[Value], given: Collection[Value] = ()) -> list[Node]:
    """Returns the nodes needed for `outputs` where `given` values are known, each after those it reads."""
    ordered: list[Node] = []
    seen: set[Node] = set()
    for output in outputs:
        if output in given:
            continue
        stack = [(output.node, False)]
        while stack:
            node, ready = stack.pop()
            if ready:
                ordered.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack.extend((value.node, False) for value in reversed(node.inputs) if value not in given)
    return ordered


Transform = Callable[[Node, tuple[Value, ...]], Sequence[Value] | None]


def rewrite(
    outputs: Iterable[Value], transform: Transform, current: dict[Value, Value] | None = None
) -> dict[Value, Value]:
    """Makes new nodes for all that `outputs` reach; one walk under every pass.

    Args:
      outputs: where the walk begins.
      transform: receives a node and its inputs in the new program; returns what stands for the node's
        outputs, or None to keep the op.
      current: what is known already to stand for some values, at which the walk ends; it is added to.

    Returns:
      `current`, with what stands for every value reached.
    """
    current = {} if current is None else current

    def visit(reached: Iterable[Value]) -> None:
        for node in order(reached, current):
            inputs = tuple(current[value] for value in node.inputs)
            standing = transform(node, inputs)
            if standing is None:
                standing = keep(node, inputs).outputs()
            current.update(zip(node.outputs(), standing, strict=True))

    def keep(node: Node, inputs: tuple[Value, ...]) -> Node:
        gradient = node.gradient
        if gradient is not None:
            visit(gradient.outputs)
            gradient = Program(gradient.inputs, tuple(current[value] for value in gradient.outputs))
        if inputs == node.inputs and gradient == node.gradient:
            return node
        return dataclasses.replace(node, inputs=inputs, gradient=gradient)

    visit(outputs)
    return current


def rewrite_program(program: Program, transform: Transform, current: dict[Value, Value] | None = None) -> Program:
    """Returns a program of new nodes with the same inputs; see `rewrite`."""
    current = rewrite(program.outputs, transform, current)
    return Program(program.inputs, tuple(current[value] for value in program.outputs))
