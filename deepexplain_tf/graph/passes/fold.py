"""Constant scales and shifts behind a linear layer folded into its kernel and bias, as of batch normalisation."""

from collections import Counter
from collections.abc import Collection, Mapping
import dataclasses
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import Node, Program, Value, constant, new_op, order, rewrite_program
from deepexplain_tf.graph.passes.invariants import invariants

_CONVOLUTIONS = ("Conv2D", "Conv3D")
_CHANNELS_LAST = (b"NHWC", b"NDHWC")
_SUMS = ("AddV2", "Add", "BiasAdd")
_BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


@dataclasses.dataclass(frozen=True)
class _Layer:
    """A linear op with a bias: kernel and bias are computed from variables when the program runs.

    Attributes:
      node: the convolution or product.
      kernel: its weights.
      bias: what is added to each channel, None for nothing.
    """

    node: Node
    kernel: Value
    bias: Value | None = None

    @property
    def channels(self) -> int:
        return int(self.node.output().shape[-1])

    def pays(self, rows: int) -> bool:
        """Whether another kernel is no larger than the outputs of some examples; so where their size is open."""
        numbers = self.node.output().shape[1:].num_elements()
        return numbers is None or self.kernel.shape.num_elements() <= rows * numbers

    def scaled(self, scale: Value) -> "_Layer":
        """Returns the layer times a number for each channel."""
        bias = None if self.bias is None else _product(self.bias, scale)
        return dataclasses.replace(
            self, kernel=_product(self.kernel, _reshaped(scale, self._channel_axes())), bias=bias
        )

    def shifted(self, shift: Value) -> "_Layer":
        """Returns the layer plus a number for each channel."""
        return dataclasses.replace(self, bias=shift if self.bias is None else _sum(self.bias, shift))

    def output(self) -> Value:
        node = dataclasses.replace(self.node, inputs=(self.node.inputs[0], self.kernel))
        value = node.output()
        if self.bias is None:
            return value
        form = {"data_format": b"NHWC"}
        return new_op(f"{node.name}/folded", "BiasAdd", (value, self.bias), value.spec, {"T": value.dtype, **form})

    def _channel_axes(self) -> list[int]:
        """Returns the shape in which one number for each channel multiplies the kernel."""
        if self.node.type == "DepthwiseConv2dNative":
            return self.kernel.shape[2:].as_list()
        if self.node.type == "MatMul" and self.node.attrs["transpose_b"].b:
            return [self.channels, 1]
        return [self.channels]


def fold(program: Program, explained: Collection[Value], rows: int) -> Program:
    """Returns the program in which layers hold the constant factors and summands that follow them.

    A scaled kernel is a second one in memory. So a factor stays where it is if the kernel is larger than the layer's
    output, as it is in the last, small pictures of a large network, where it is no work either.

    Args:
      program: any program.
      explained: the inputs that vary.
      rows: how many examples are evaluated at once, about.
    """
    activity = analyse(explained, program.outputs)
    fixed = invariants(program)
    uses = _uses(activity, program)
    layers: dict[Value, _Layer] = {}  # values of the new program that stand for a layer

    def transform(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        made = _layer(node, inputs, activity, fixed)
        if made is None and (found := _onto(node, activity, fixed, uses)) is not None:
            before = layers.get(inputs[found])
            made = before and _grown(node, inputs, found, before, rows)
        if made is None:
            return None
        value = made.output()
        layers[value] = made
        return (value, *node.outputs()[1:])

    return rewrite_program(program, transform)


def _uses(activity: Activity, program: Program) -> Mapping[Value, int]:
    """Returns how often each value is read."""
    counts = Counter(program.outputs)
    gradients = [value for node in activity.nodes if node.gradient for value in node.gradient.outputs]
    for node in {*activity.nodes, *order(gradients)}:
        counts.update(node.inputs)
    return counts


def _layer(node: Node, inputs: tuple[Value, ...], activity: Activity, fixed: Collection[Value]) -> _Layer | None:
    """Returns the layer that an op is, None where it is none."""
    if activity.inputs(node) != (0,) or len(node.inputs) != 2 or node.inputs[1] not in fixed:
        return None
    if node.type == "MatMul":
        linear = not node.attrs["transpose_a"].b and node.output().shape.rank == 2
    else:
        known = node.type in _CONVOLUTIONS or node.type == "DepthwiseConv2dNative"
        linear = known and node.attrs["data_format"].s in _CHANNELS_LAST
    kernel = node.inputs[1].shape
    if not linear or node.output().shape[-1] is None or not kernel.is_fully_defined():
        return None
    return _Layer(dataclasses.replace(node, inputs=inputs), inputs[1])


def _onto(node: Node, activity: Activity, fixed: Collection[Value], uses: Mapping[Value, int]) -> int | None:
    """Returns the position of the only varying input of a factor or summand of each channel, None for other ops."""
    active = activity.inputs(node)
    if len(active) != 1 or uses[node.inputs[active[0]]] != 1:
        return None
    (position,) = active
    varying = node.inputs[position]
    others = [value for number, value in enumerate(node.inputs) if number != position]
    if not varying.shape.rank or varying.shape.rank != node.output().shape.rank:
        return None
    if not all(value in fixed and _fits(value, varying) for value in others):
        return None
    if node.type in _BATCH_NORMS:
        alone = all(uses[value] == 0 for value in node.outputs()[1:])
        plain = not node.attrs["is_training"].b and node.attrs["data_format"].s in _CHANNELS_LAST
        return position if position == 0 and alone and plain else None
    if node.type == "BiasAdd" and node.attrs["data_format"].s != b"NHWC":
        return None
    subtracted = node.type == "Sub" and position == 0
    return position if node.type in _SUMS or node.type == "Mul" or subtracted else None


def _fits(value: Value, layer: Value) -> bool:
    """Whether a value is one number for each channel of a layer, in its dtype."""
    shape, channels = value.shape, layer.shape[-1]
    own = shape.rank and shape.is_fully_defined() and shape[-1] == channels == math.prod(shape)
    return bool(own and value.dtype == layer.dtype)


def _grown(node: Node, inputs: tuple[Value, ...], position: int, layer: _Layer, rows: int) -> _Layer | None:
    """Returns a layer with the op that follows it, None where that does not pay."""
    if node.type in (*_BATCH_NORMS, "Mul") and not layer.pays(rows):
        return None
    if node.type in _BATCH_NORMS:
        _, gain, offset, mean, variance = inputs
        scale = _product(gain, _inverse_root(variance, node.attrs["epsilon"].f))
        return layer.scaled(scale).shifted(_difference(offset, _product(mean, scale)))
    operand = _reshaped(inputs[1 - position], [layer.channels])
    if node.type == "Mul":
        return layer.scaled(operand)
    return layer.shifted(_difference(None, operand) if node.type == "Sub" else operand)


def _product(a: Value, b: Value) -> Value:
    return new_op("fold/mul", "Mul", (a, b), a.spec, {"T": a.dtype})


def _sum(a: Value, b: Value) -> Value:
    return new_op("fold/add", "AddV2", (a, b), a.spec, {"T": a.dtype})


def _difference(a: Value | None, b: Value) -> Value:
    if a is None:
        return new_op("fold/neg", "Neg", (b,), b.spec, {"T": b.dtype})
    return new_op("fold/sub", "Sub", (a, b), a.spec, {"T": a.dtype})


def _inverse_root(variance: Value, epsilon: float) -> Value:
    small = constant("fold/epsilon", epsilon, variance.dtype)
    return new_op("fold/rsqrt", "Rsqrt", (_sum(variance, small),), variance.spec, {"T": variance.dtype})


def _reshaped(value: Value, shape: list[int]) -> Value:
    if value.shape.as_list() == shape:
        return value
    spec = tf.TensorSpec(shape, value.dtype)
    size = constant("fold/shape", shape, tf.int32)
    return new_op("fold/reshape", "Reshape", (value, size), spec, {"T": value.dtype, "Tshape": tf.int32})
