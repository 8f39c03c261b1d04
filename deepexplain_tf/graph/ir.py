"""The records of a traced program: nodes, their output values, and programs.

A program lists its inputs and outputs only; its nodes are those that a walk back from the outputs reaches. A pass
returns new outputs, and nodes that no output needs disappear.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
import dataclasses
from typing import Any, NamedTuple

import ml_dtypes
import tensorflow as tf

ARGUMENT = "Argument"  # an input of the program
CAPTURE = "Capture"  # a tensor from outside the program: a variable's handle or a constant
GROUP = "Group"  # several element-wise ops that together are one scalar function
LAYER = "Layer"  # a product with weights and what is merged into it; see `graph.passes.layers`
NEURON = "Neuron"  # a nonlinearity and the linear ops in front of it; see `graph.passes.neurons`


@dataclasses.dataclass(eq=False, frozen=True, slots=True)
class Node:
    """One op, or one of the special types above.

    Attributes:
      name: the op's name in the traced graph.
      type: the TensorFlow op type, such as `"Relu"`.
      inputs: the values that the op reads.
      specs: dtype and shape of each output.
      attrs: the attributes of the NodeDef.
      device: the device string, or `""`.
      bodies: the programs inside the op: the `"body"` of a Group, Layer or Neuron; a loop's `"cond"` and `"body"`; a
        branch's `"then_branch"` and `"else_branch"`, or `"branch_0"`, `"branch_1"`, ...
      gradient: the op's custom gradient as a program of the upstream gradients and the op's outputs, or None.
      tensor: the tensor of a Capture, None for other ops.
      compiled: whether the op is compiled by XLA, as in the model.
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

    def is_plain(self, *types: str) -> bool:
        """Whether the op is of one of these types and has TensorFlow's own gradient, so that a pass may replace it."""
        return self.type in types and self.gradient is None

    @property
    def is_composite(self) -> bool:
        """Whether the node stands for the ops of its body: a group, layer or neuron, or a selection by a number."""
        return "body" in self.bodies and "cond" not in self.bodies

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
        """The value's dtype and static shape."""
        return self.node.specs[self.position]

    @property
    def dtype(self) -> tf.DType:
        """The element type."""
        return self.spec.dtype

    @property
    def shape(self) -> tf.TensorShape:
        """The static shape; an open axis is None."""
        return self.spec.shape

    @property
    def differentiable(self) -> bool:
        """Whether the value can have a gradient: it is floating or complex, or a list of tensors that may be."""
        dtype = self.dtype
        if dtype == tf.variant:
            if "element_dtype" not in self.node.attrs:
                return True
            dtype = tf.as_dtype(self.node.attrs["element_dtype"].type)
        return dtype.is_floating or dtype.is_complex


def new_op(
    name: str,
    type_: str,
    inputs: "Sequence[Value]",
    spec: tf.TensorSpec,
    attrs: Mapping[str, tf.DType | bytes | int | list[int]],
) -> Value:
    """Returns the output of a new op, one that the model does not contain.

    Args:
      name: the op's name.
      type_: the TensorFlow op type.
      inputs: the values that the op reads.
      spec: dtype and shape of the op's one output.
      attrs: the op's attributes: dtypes, strings, integers or lists of these.
    """
    protos = {key: _attribute(value) for key, value in attrs.items()}
    return Node(name, type_, tuple(inputs), (spec,), protos).output()


def constant(name: str, value: Any, dtype: tf.DType) -> Value:
    """Returns a new constant, one that the model does not contain."""
    proto = tf.make_tensor_proto(value, dtype)
    attrs = {"dtype": _attribute(dtype), "value": tf.compat.v1.AttrValue(tensor=proto)}
    return Node(name, "Const", (), (tf.TensorSpec(tf.TensorShape(proto.tensor_shape), dtype),), attrs).output()


def length_of(value: Value, axis: int, dtype: tf.DType) -> Value:
    """Returns the length of an axis as a new vector of one whole number."""
    spec = tf.TensorSpec([value.shape.rank], dtype)
    shape = new_op("shape", "Shape", (value,), spec, {"T": value.dtype, "out_type": dtype})
    ends = [constant("axis", limit, tf.int32) for limit in ([axis], [1])]
    return new_op("length", "Slice", (shape, *ends), tf.TensorSpec([1], dtype), {"T": dtype, "Index": tf.int32})


def arguments_for(values: Iterable[Value]) -> tuple[Value, ...]:
    """Returns the arguments of a new body, in the dtypes and shapes of the values that its node reads."""
    return tuple(
        Node(f"operand_{number}", ARGUMENT, (), (tf.TensorSpec(value.shape, value.dtype),)).output()
        for number, value in enumerate(values)
    )


def is_one(node: Node) -> bool:
    """Whether a node is the constant 1, a scalar."""
    return node.type == "Const" and tf.make_ndarray(node.attrs["value"].tensor).tolist() == 1


def _attribute(value: tf.DType | bytes | int | list[int]) -> Any:
    if isinstance(value, list):
        return tf.compat.v1.AttrValue(list=tf.compat.v1.AttrValue.ListValue(i=value))
    if isinstance(value, bytes):
        return tf.compat.v1.AttrValue(s=value)
    if isinstance(value, bool):
        return tf.compat.v1.AttrValue(b=value)
    if isinstance(value, int):
        return tf.compat.v1.AttrValue(i=value)
    return tf.compat.v1.AttrValue(type=value.as_datatype_enum)


@dataclasses.dataclass(frozen=True)
class Program:
    """Outputs computed from inputs. A custom gradient's program also reads values of the program around it."""

    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    def nodes(self) -> list[Node]:
        """Returns the nodes that the outputs need, in topological order."""
        return topological_order(self.outputs)

    def uses(self) -> Counter["Value"]:
        """Returns how often each value is read, by ops, custom gradients and as an output."""
        counts = Counter(self.outputs)
        nodes = self.nodes()
        gradients = [value for node in nodes if node.gradient for value in node.gradient.outputs]
        for node in {*nodes, *topological_order(gradients)}:
            counts.update(node.inputs)
        return counts

    def rounding_unit(self) -> float:
        """Returns the coarsest rounding unit of a value, 0 without floats."""
        dtypes = {value.dtype.real_dtype for node in self.nodes() for value in node.outputs()}
        units = (float(ml_dtypes.finfo(dtype.as_numpy_dtype).eps) for dtype in dtypes if dtype.is_floating)
        return max(units, default=0.0)


def topological_order(outputs: Iterable[Value], given: Collection[Value] = ()) -> list[Node]:
    """Returns the nodes that `outputs` need if the values `given` are known, in topological order."""
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
    """Rebuilds the nodes that `outputs` need; every pass uses this one walk.

    Args:
      outputs: the values to rebuild, with everything that they depend on.
      transform: receives a node and its inputs in the new program; returns new values for the node's
        outputs, or None to keep the op.
      current: old value → new value, known beforehand; the walk stops at these and adds the others.

    Returns:
      `current`, with the new value of every value that the walk reached.
    """
    current = {} if current is None else current

    def visit(values: Iterable[Value]) -> None:
        for node in topological_order(values, current):
            inputs = tuple(current[value] for value in node.inputs)
            replacements = transform(node, inputs)
            if replacements is None:
                replacements = keep(node, inputs).outputs()
            current.update(zip(node.outputs(), replacements, strict=True))

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


def computed_from(program: "Program", operands: Sequence[Value]) -> tuple[Value, ...]:
    """Returns the outputs of a program, computed from other values in the place of its inputs."""
    current = rewrite(program.outputs, lambda *_: None, dict(zip(program.inputs, operands, strict=True)))
    return tuple(current[value] for value in program.outputs)


def rewrite_program(program: Program, transform: Transform, current: dict[Value, Value] | None = None) -> Program:
    """Returns the program with its nodes rebuilt by `rewrite` and with the same inputs."""
    current = rewrite(program.outputs, transform, current)
    return Program(program.inputs, tuple(current[value] for value in program.outputs))


def with_values(
    transform: Callable[[Program], Program], program: Program, values: tuple[Value, ...]
) -> tuple[Program, tuple[Value, ...]]:
    """Returns a program after a pass, and what has become of values inside it.

    Args:
      transform: the pass.
      program: the program.
      values: values of the program.
    """
    changed = transform(Program(program.inputs, (*program.outputs, *values)))
    count = len(program.outputs)
    return Program(changed.inputs, changed.outputs[:count]), changed.outputs[count:]
