"""Folds constant scales and shifts behind a linear layer (batch normalisation) into its kernel and bias."""

from collections.abc import Collection, Mapping
import dataclasses
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity, analyse
from deepexplain_tf.graph.ir import Node, Program, Value, constant, new_op, rewrite_program
from deepexplain_tf.graph.passes.invariants import invariants

_CONVOLUTIONS = ("Conv2D", "Conv3D")
_TRANSPOSED = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
_CHANNELS_LAST = (b"NHWC", b"NDHWC", b"")
_SUMS = ("AddV2", "Add", "BiasAdd")
BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")


@dataclasses.dataclass(frozen=True)
class _Layer:
    """A linear op with kernel and bias, which the program computes from variables when it runs.

    Attributes:
      node: the convolution or matrix product.
      kernel: the weights.
      bias: one summand for each channel, or None.
    """

    node: Node
    kernel: Value
    bias: Value | None = None

    @property
    def channels(self) -> int:
        return int(self.node.output().shape[-1])

    def pays(self, rows: int) -> bool:
        """Whether a second kernel is no larger than the outputs of `rows` examples, or their size is open."""
        numbers = self.node.output().shape[1:].num_elements()
        return numbers is None or self.kernel.shape.num_elements() <= rows * numbers

    def scaled(self, scale: Value) -> "_Layer":
        """Returns the layer with each channel multiplied by a number."""
        axes = channel_axes(self.node, self.kernel, self.channels)
        assert axes is not None, self.node.type
        bias = None if self.bias is None else on_weights("Mul", self.bias, scale)
        return dataclasses.replace(self, kernel=on_weights("Mul", self.kernel, reshaped(scale, axes)), bias=bias)

    def shifted(self, shift: Value) -> "_Layer":
        """Returns the layer with a number added to each channel."""
        return dataclasses.replace(self, bias=shift if self.bias is None else on_weights("AddV2", self.bias, shift))

    def output(self) -> Value:
        node = dataclasses.replace(self.node, inputs=(self.node.inputs[0], self.kernel))
        value = node.output()
        if self.bias is None:
            return value
        form = {"data_format": b"NHWC"}
        return new_op(f"{node.name}/folded", "BiasAdd", (value, self.bias), value.spec, {"T": value.dtype, **form})


def channel_axes(node: Node, kernel: Value, channels: int | None) -> list[int] | None:
    """Returns the shape in which factors, one for each channel, multiply a product's kernel; None if none does."""
    if channels is None or not kernel.shape.is_fully_defined():
        return None
    if node.type == "DepthwiseConv2dNative":
        axes = kernel.shape[2:].as_list()
    elif node.type in _TRANSPOSED or (node.type == "MatMul" and node.attrs["transpose_b"].b):
        axes = [channels, 1]
    elif node.type.startswith("BatchMatMul"):
        axes = [channels, 1] if node.attrs["adj_y"].b else [channels]
    elif node.type in (*_CONVOLUTIONS, "MatMul"):
        axes = [channels]
    else:
        return None
    return axes if channels_last(node) and math.prod(axes) == channels else None


def channels_last(node: Node) -> bool:
    """Whether an op's channels are its last axis, by its data format or because it has none."""
    return "data_format" not in node.attrs or node.attrs["data_format"].s in _CHANNELS_LAST


def fold(program: Program, explained: Collection[Value], rows: int) -> Program:
    """Returns the program with the constant factors and summands behind each layer folded into it.

    A scaled kernel is a second kernel in memory. A factor therefore stays in place if the kernel is larger than the
    layer's output for `rows` examples, as for the last, small feature maps of a large network, where it costs little.

    Args:
      program: any program.
      explained: the explained inputs.
      rows: about how many examples are evaluated at once.
    """
    activity = analyse(explained, program.outputs)
    fixed = invariants(program)
    uses = program.uses()
    layers: dict[Value, _Layer] = {}  # by the layer's output in the new program

    def transform(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, ...] | None:
        layer = _layer(node, inputs, activity, fixed)
        if layer is None and (position := _onto(node, activity, fixed, uses)) is not None:
            previous = layers.get(inputs[position])
            layer = previous and _grown(node, inputs, position, previous, rows)
        if layer is None:
            return None
        value = layer.output()
        layers[value] = layer
        return (value, *node.outputs()[1:])

    return rewrite_program(program, transform)


def _layer(node: Node, inputs: tuple[Value, ...], activity: Activity, fixed: Collection[Value]) -> _Layer | None:
    """Returns an op as a layer, None if it is no layer that can take factors and summands."""
    if node.gradient is not None or activity.inputs(node) != (0,) or len(node.inputs) != 2:
        return None
    if node.inputs[1] not in fixed:
        return None
    if node.type == "MatMul":
        linear = not node.attrs["transpose_a"].b and node.output().shape.rank == 2
    else:
        known = node.type in _CONVOLUTIONS or node.type == "DepthwiseConv2dNative"
        linear = known and channels_last(node)
    kernel = node.inputs[1].shape
    if not linear or node.output().shape[-1] is None or not kernel.is_fully_defined():
        return None
    return _Layer(dataclasses.replace(node, inputs=inputs), inputs[1])


def _onto(node: Node, activity: Activity, fixed: Collection[Value], uses: Mapping[Value, int]) -> int | None:
    """Returns the position of the varying input of a per-channel factor or summand, None for other ops."""
    active = activity.inputs(node)
    if node.gradient is not None or len(active) != 1 or uses[node.inputs[active[0]]] != 1:
        return None
    (position,) = active
    varying = node.inputs[position]
    others = [value for number, value in enumerate(node.inputs) if number != position]
    if not varying.shape.rank or varying.shape.rank != node.output().shape.rank:
        return None
    if not all(value in fixed and per_channel(value, varying.spec) for value in others):
        return None
    if node.type in BATCH_NORMS:
        alone = all(uses[value] == 0 for value in node.outputs()[1:])
        plain = not node.attrs["is_training"].b and channels_last(node)
        return position if position == 0 and alone and plain else None
    if not channels_last(node):
        return None
    subtracted = node.type == "Sub" and position == 0
    return position if node.type in _SUMS or node.type == "Mul" or subtracted else None


def per_channel(value: Value, layer: tf.TensorSpec) -> bool:
    """Whether a value has one number for each channel of a layer, in the layer's dtype."""
    shape, channels = value.shape, layer.shape[-1]
    fits = shape.rank and shape.is_fully_defined() and shape[-1] == channels == math.prod(shape)
    return bool(fits and value.dtype == layer.dtype)


def _grown(node: Node, inputs: tuple[Value, ...], position: int, layer: _Layer, rows: int) -> _Layer | None:
    """Returns a layer with the op behind it folded in, None if that does not pay."""
    if node.type in (*BATCH_NORMS, "Mul") and not layer.pays(rows):
        return None
    if node.type in BATCH_NORMS:
        scale, shift = scale_and_shift(node, inputs)
        return layer.scaled(scale).shifted(shift)
    operand = reshaped(inputs[1 - position], [layer.channels])
    if node.type == "Mul":
        return layer.scaled(operand)
    return layer.shifted(on_weights("Neg", operand) if node.type == "Sub" else operand)


def on_weights(type_: str, *operands: Value) -> Value:
    """Returns an element-wise op on weights, as a new op."""
    shape, first = operands[0].shape, operands[0]
    for operand in operands[1:]:
        shape = tf.broadcast_static_shape(shape, operand.shape)
    return new_op(f"fold/{type_.lower()}", type_, operands, tf.TensorSpec(shape, first.dtype), {"T": first.dtype})


def scale_and_shift(node: Node, inputs: tuple[Value, ...]) -> tuple[Value, Value]:
    """Returns what a batch normalisation in inference multiplies each channel by, and then adds to it."""
    _, gain, offset, mean, variance = inputs
    epsilon = constant("fold/epsilon", node.attrs["epsilon"].f, variance.dtype)
    scale = on_weights("Mul", gain, on_weights("Rsqrt", on_weights("AddV2", variance, epsilon)))
    return scale, on_weights("Sub", offset, on_weights("Mul", mean, scale))


def reshaped(value: Value, shape: list[int]) -> Value:
    """Returns a value in another shape, itself if it has the shape already."""
    if value.shape.as_list() == shape:
        return value
    spec = tf.TensorSpec(shape, value.dtype)
    size = constant("fold/shape", shape, tf.int32)
    return new_op("fold/reshape", "Reshape", (value, size), spec, {"T": value.dtype, "Tshape": tf.int32})
