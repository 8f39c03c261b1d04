"""What stands before a product and belongs to its layer: zero padding, and scales and shifts of channels."""

from collections.abc import Mapping
import dataclasses
import math

import tensorflow as tf

from deepexplain_tf.graph.activity import Activity
from deepexplain_tf.graph.ir import Node, Value, constant, new_op
from deepexplain_tf.graph.passes.fold import BATCH_NORMS, channels_last, on_weights, reshaped, scale_and_shift

_KEPT = ("EnsureShape", "ExpandDims", "Identity", "Pad")  # zeros stay zeros, and channels stay channels
_MATRICES = ("MatMul", "BatchMatMul", "BatchMatMulV2")
_SCALABLE = (*_MATRICES, "Conv2D", "Conv3D", "DepthwiseConv2dNative")
_SCALES = ("Mul", "RealDiv", "Div")
_SHIFTS = ("AddV2", "Add", "BiasAdd", "Sub")


@dataclasses.dataclass(frozen=True)
class Head:
    """The ops between the input of a layer and its product.

    Attributes:
      x: the input of the layer, in the old program.
      nodes: padding and reshapes, from the first to the last, with their inputs in the new program.
      scale: what the channels are multiplied by before `nodes`, `[channels]` or `[1]`; None for 1.
      shift: what is then added, alike; None for 0.
    """

    x: Value
    nodes: tuple[Node, ...] = ()
    scale: Value | None = None
    shift: Value | None = None

    @property
    def others(self) -> list[Value]:
        """What `nodes` read besides the input, such as the widths of the padding."""
        return [value for node in self.nodes for value in node.inputs[1:]]

    def of(self, value: Value, known: Mapping[Value, Value]) -> Value:
        """Returns what `nodes` make of a value; `known` has a value for each of `others`."""
        for node in self.nodes:
            value = dataclasses.replace(node, inputs=(value, *(known[other] for other in node.inputs[1:]))).output()
        return value


def head_of(
    product: Node, position: int, activity: Activity, uses: Mapping[Value, int], current: Mapping[Value, Value]
) -> Head:
    """Returns what belongs to the layer of a product before its input.

    Args:
      product: the product, in the old program.
      position: the position of its active factor.
      activity: which values depend on what is explained.
      uses: how often each value is read.
      current: the new value of each old one.
    """
    x, nodes = product.inputs[position], []
    while uses[x] == 1 and x.node.is_plain(*_KEPT) and activity.inputs(x.node) == (0,):
        nodes.append(dataclasses.replace(x.node, inputs=tuple(current[value] for value in x.node.inputs)))
        x = x.node.inputs[0]
    head = Head(x, tuple(reversed(nodes)))
    if position != 0 or kernel_axes(product, x.shape[-1:]) is None or _example(product, x) is None:
        return head
    steps = []
    while uses[x] == 1 and (step := _step(x, activity, uses, current)) is not None:
        steps.append(step)
        x = x.node.inputs[activity.inputs(x.node)[0]]
    scale: Value | None = None
    shift: Value | None = None
    for factor, summand in reversed(steps):
        if factor is not None:
            scale = factor if scale is None else on_weights("Mul", scale, factor)
            shift = None if shift is None else on_weights("Mul", shift, factor)
        if summand is not None:
            shift = summand if shift is None else on_weights("AddV2", shift, summand)
    return dataclasses.replace(head, x=x, scale=scale, shift=shift)


def kernel_axes(product: Node, channels: tf.TensorShape) -> list[int] | None:
    """Returns the shape in which factors of the input's channels multiply the kernel; None if they do not.

    Args:
      product: a product whose first operand is its input.
      channels: the shape `[channels]`.
    """
    kernel, attrs = product.inputs[1].shape, product.attrs
    if product.type not in _SCALABLE or not channels.is_fully_defined() or not kernel.is_fully_defined():
        return None
    if any(attrs[key].b for key in ("transpose_a", "adj_x") if key in attrs):
        return None
    if not channels_last(product):
        return None
    last = any(attrs[key].b for key in ("transpose_b", "adj_y") if key in attrs)
    axes = [*channels] if last else [*channels, 1]
    return axes if kernel[-len(axes)] == axes[0] else None  # else a convolution in groups


def bias_of(product: Node, head: Head, kernel: Value) -> Value:
    """Returns what a layer adds because of the shift in its head: the product of the shift, padded as the input is.

    Args:
      product: the product, with its inputs in the new program.
      head: the head, with a shift.
      kernel: the kernel before it is scaled.
    """
    example = _example(product, head.x)
    assert head.shift is not None and example is not None
    spec = tf.TensorSpec([1, *example], kernel.dtype)
    size = constant("heads/shape", spec.shape.as_list(), tf.int32)
    value = new_op("heads/shift", "BroadcastTo", (head.shift, size), spec, {"T": spec.dtype, "Tidx": tf.int32})
    value = head.of(value, {other: other for other in head.others})
    shape = tf.TensorShape([1, *product.specs[0].shape[1:]])
    spec = tf.TensorSpec(shape, kernel.dtype)
    return dataclasses.replace(product, inputs=(value, kernel, *product.inputs[2:]), specs=(spec,)).output()


def _example(product: Node, x: Value) -> list[int] | None:
    """Returns a shape without open axes to which a shift broadcasts as it does to an example; None if there is none."""
    shape = x.shape[1:]
    if product.type in _MATRICES:
        return [1] * (shape.rank - 1) + shape[-1:].as_list() if shape.rank else None
    return shape.as_list() if shape.is_fully_defined() else None


def _step(
    value: Value, activity: Activity, uses: Mapping[Value, int], current: Mapping[Value, Value]
) -> tuple[Value | None, Value | None] | None:
    """Returns the factor and the summand of an op that scales or shifts channels, None for other ops."""
    node, active = value.node, activity.inputs(value.node)
    if node.gradient is not None or len(active) != 1:
        return None
    (position,) = active
    inputs = tuple(current[operand] for operand in node.inputs)
    if not channels_last(node):
        return None
    if node.type in BATCH_NORMS:
        alone = not any(uses[other] for other in node.outputs()[1:])
        return scale_and_shift(node, inputs) if position == 0 and alone and not node.attrs["is_training"].b else None
    if node.type not in (*_SCALES, *_SHIFTS) or inputs[position].shape.rank != value.shape.rank:
        return None
    operand = _of_channels(inputs[1 - position], value.spec)
    if operand is None or (position == 1 and node.type in ("RealDiv", "Div", "Sub")):
        return None
    if node.type in _SCALES:
        return operand if node.type == "Mul" else on_weights("Reciprocal", operand), None
    return None, on_weights("Neg", operand) if node.type == "Sub" else operand


def _of_channels(value: Value, spec: tf.TensorSpec) -> Value | None:
    """Returns numbers for each channel as `[channels]`, one for all as `[1]`; None for others."""
    shape, channels = value.shape, spec.shape[-1]
    if value.dtype != spec.dtype or not shape.is_fully_defined():
        return None
    numbers = math.prod(shape)
    if numbers == 1 or (numbers == channels and shape[-1] == channels):
        return reshaped(value, [numbers])
    return None
