"""Finds convolutions and the layers around them, and the axis on which the channels of a value lie."""

from collections import Counter
from collections.abc import Iterator, Mapping

import tensorflow as tf

from deepexplain_tf.errors import UnknownNameError, closest, shortened
from deepexplain_tf.graph.activity import Activity
from deepexplain_tf.graph.ir import ARGUMENT, Node, Program, Value
from deepexplain_tf.graph.kinds import ELEMENTWISE, WEIGHTED, Kind, kind_of

# What may belong to a convolution's layer, besides scalar functions.
_OPS_BEHIND = """
    BatchToSpaceND BiasAdd BiasAddV1 EnsureShape FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Squeeze Transpose
"""
_BEHIND = ELEMENTWISE | frozenset(_OPS_BEHIND.split())
_FUNCTIONS = (Kind.ACTIVATION, Kind.FUNCTION)
_LEAST_RANK = 3  # batch, positions and channels


def convolution_outputs(program: Program, activity: Activity) -> Iterator[Value]:
    """Yields the outputs of the layers of active convolutions, the last one first.

    A layer is a convolution with the bias, the normalisation and the activation directly behind it; with a name scope,
    as in a Keras layer, it is what lies behind it in that scope, position by position. Convolutions with one position
    only, which are dense layers in another spelling, are left out.

    Args:
      program: the program.
      activity: its activity.
    """
    for node in reversed(activity.nodes):
        if _is_convolution(node) and _data(node) in activity.varying and _positions(node) != 1:
            yield _layer_output(node, program, activity)


def scope_output(program: Program, activity: Activity, name: str) -> Value:
    """Returns the last active value of a name scope, or of the op of that name.

    Args:
      program: the program.
      activity: its activity.
      name: the scope's last names, such as `"conv"` or `"block/conv"`; `"name:i"` for the i-th of several such scopes.

    Raises:
      UnknownNameError: there is no such scope, or more than one.
    """
    active = [node for node in activity.nodes if node.type != ARGUMENT and activity.is_active(node)]
    wanted, _, number = name.rpartition(":")
    if not (wanted and number.isdecimal() and number.isascii()):
        wanted, number = name, ""
    ends: dict[str, Node] = {}
    for node in active:
        scope = next((scope for scope in _scopes(node) if f"/{scope}".endswith(f"/{wanted}")), None)
        if scope is not None:
            ends[scope] = node
    if not ends:
        known = {scope for node in active for scope in _scopes(node)}
        raise UnknownNameError(f"unknown layer {shortened(name)}; {closest(name, known)}.")
    if len(ends) > 1 and not number:
        raise UnknownNameError(
            f"a layer must be named without doubt. Got {wanted!r} for {shortened(list(ends))}; add ':0' to "
            f"':{len(ends) - 1}', or more of the path."
        )
    if int(number or 0) >= len(ends):
        raise UnknownNameError(f"layer {wanted!r} is called {len(ends)} times. Got {shortened(name)}.")
    return list(ends.values())[int(number or 0)].output()


def channels_first(program: Program) -> dict[Value, bool]:
    """Returns for each value whether its channels lie before its positions, where a convolution before it tells."""
    first: dict[Value, bool] = {}
    for node in program.nodes():
        _follow(node, first, _has_channels_first(node) if _is_convolution(node) else None)
    return first


def takes_channels_first(program: Program, value: Value) -> bool:
    """Whether channels that lie before the positions of a value are those of the convolution that it reaches."""
    first = {value: True}
    for node in program.nodes():
        if _is_convolution(node) and first.get(_data(node)) is _has_channels_first(node):
            return True
        _follow(node, first)
    return False


def _is_convolution(node: Node) -> bool:
    return node.type in WEIGHTED and "Conv" in node.type


def _data(node: Node) -> Value:
    """Returns the input that a convolution convolves."""
    return node.inputs[2 if "BackpropInput" in node.type else 0]


def _has_channels_first(node: Node) -> bool:
    return node.attrs["data_format"].s.startswith(b"NC")


def _positions(node: Node) -> int | None:
    """Returns the number of positions of a convolution's output, None where it is open."""
    shape = node.output().shape[1:].as_list()
    return tf.TensorShape(shape[1:] if _has_channels_first(node) else shape[:-1]).num_elements()


def _scopes(node: Node) -> Iterator[str]:
    """Yields the name scopes of an op, the outermost first, and its own name."""
    parts = node.name.split("/")
    return ("/".join(parts[: count + 1]) for count in range(len(parts)))


def _layer_output(convolution: Node, program: Program, activity: Activity) -> Value:
    """Returns the last value behind a convolution that belongs to its layer and through which all of it passes."""
    scope = convolution.name.rpartition("/")[0]
    uses = _uses(program, activity)
    output, nonlinear = convolution.output(), False
    unread = {output: uses[output]}  # values of the layer, and how many of their uses have not been met yet
    for node in activity.nodes:
        read = [node.inputs[position] for position in activity.inputs(node)]
        if not read or not all(value in unread for value in read):
            continue
        near = node.name.startswith(f"{scope}/") if scope else _is_alike_everywhere(node, activity)
        if not (near and _may_belong(node, activity)):
            continue
        for value in read:
            unread[value] -= 1
        unread.update({value: uses[value] for value in node.outputs()})
        nonlinear = nonlinear or kind_of(node, activity.inputs(node)) is not Kind.LINEAR
        ends = [value for value, count in unread.items() if count]
        if len(ends) == 1 and ends[0].node is node and (ends[0].shape.rank or 0) >= _LEAST_RANK:
            output = ends[0]
            if nonlinear and not scope:
                break
    return output


def _uses(program: Program, activity: Activity) -> Counter[Value]:
    """Returns how often each varying value is read for its numbers."""
    uses = Counter(program.outputs)
    for node in activity.nodes:
        if any(value in activity.varying for value in node.outputs()):
            uses.update(node.inputs[position] for position in activity.inputs(node))
    return uses


def _may_belong(node: Node, activity: Activity) -> bool:
    if not any(value in activity.varying for value in node.outputs()):
        return False
    return node.type in _BEHIND or kind_of(node, activity.inputs(node)) in _FUNCTIONS


def _is_alike_everywhere(node: Node, activity: Activity) -> bool:
    """Whether an op does the same at all positions: what else it reads are numbers, or one for each channel."""
    shapes = [value.shape for value in node.inputs if value not in activity.varying and value.dtype.is_floating]
    return all(shape.rank is not None and sum(size != 1 for size in shape) <= 1 for shape in shapes)


def _follow(node: Node, first: dict[Value, bool], told: bool | None = None) -> None:
    """Adds whether channels lie first in an op's outputs, where it is told or known."""
    known = _first_behind(node, first) if told is None else told
    if known is not None:
        first.update({value: known for value in node.outputs() if (value.shape.rank or 0) >= _LEAST_RANK})


def _first_behind(node: Node, first: Mapping[Value, bool]) -> bool | None:
    """Returns whether channels lie first in an op's outputs as in its inputs, None where that is not known."""
    known = [value for value in node.inputs if value in first]
    if not known or node.type in WEIGHTED:
        return None
    before = first[known[0]]
    if node.type != "Transpose":
        return before
    order = node.inputs[1].node
    if order.type != "Const":
        return None
    axes = tf.make_ndarray(order.attrs["value"].tensor).tolist()
    axis = axes.index(1 if before else len(axes) - 1)
    return {1: True, len(axes) - 1: False}.get(axis)
