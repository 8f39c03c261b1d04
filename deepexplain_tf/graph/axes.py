"""Relates the axes of an op's operands to those of its output, for ops that treat all places along an axis alike."""

from collections.abc import Callable, Hashable, Sequence
import dataclasses

from deepexplain_tf.graph.ir import Node, Value
from deepexplain_tf.graph.kinds import ELEMENTWISE, KINDS, SELECTIONS, Kind

MATRICES = ("MatMul", "BatchMatMul", "BatchMatMulV2")
POINTWISE = ("Conv2D", "Conv3D")  # where their windows are single positions
PRODUCTS = frozenset((*MATRICES, *POINTWISE, "Einsum"))
PASSED_ON = frozenset(("EnsureShape", "Identity"))
VIEWS = frozenset(("ExpandDims", "Squeeze", "Transpose"))
REDUCTIONS = frozenset(("Max", "Mean", "Min", "Prod", "Sum"))
_ALONG_LAST = frozenset(("LogSoftmax", "Softmax"))
_SCALAR = ("ClipByValue", "StopGradient")
_CHANNELS_SECOND = (b"NCHW", b"NCDHW")

Label = Hashable
Static = Callable[[Value], Sequence[int] | None]  # the numbers of a scalar or vector, None if unknown


@dataclasses.dataclass(frozen=True)
class Axes:
    """The labels of axes; a label that several axes share is one index that runs through all of them.

    Attributes:
      operands: the labels of the operands, which are the op's first inputs.
      output: the labels of the output.
      whole: labels of axes along which the op looks at all places at once, other than those it sums over.
    """

    operands: tuple[tuple[Label, ...], ...]
    output: tuple[Label, ...]
    whole: frozenset[Label] = frozenset()


def axes_of(node: Node, static: Static) -> Axes | None:
    """Returns the axes of an op, None for an op that is not of this kind."""
    ranks = [value.shape.rank for value in node.inputs]
    if len(node.specs) != 1 or node.gradient is not None or None in (node.output().shape.rank, *ranks):
        return None
    if node.type == "BiasAdd":
        return _bias(node)
    if is_elementwise(node):
        return _elementwise(node)
    if node.type in MATRICES:
        return _matrices(node)
    if node.type in POINTWISE:
        return _pointwise(node)
    if node.type == "Einsum":
        return _einsum(node)
    return _moved(node, static) if node.type in VIEWS | REDUCTIONS else None


def is_elementwise(node: Node) -> bool:
    """Whether each number of an op's output comes from one of each operand, or (a softmax) from its last axis."""
    if node.type in SELECTIONS | {"IdentityN"}:
        return node.type == "SelectV2"
    function = len(node.inputs) == 1 and KINDS.get(node.type) in (Kind.ACTIVATION, Kind.FUNCTION)
    return function or node.type in (*ELEMENTWISE, *PASSED_ON, *_ALONG_LAST, *_SCALAR)


def _elementwise(node: Node) -> Axes:
    rank = node.output().shape.rank
    operands = tuple(tuple(range(rank - value.shape.rank, rank)) for value in node.inputs)
    whole = frozenset([rank - 1]) if node.type in _ALONG_LAST else frozenset[Label]()
    return Axes(operands, tuple(range(rank)), whole)


def _bias(node: Node) -> Axes:
    labels = tuple(range(node.output().shape.rank))
    second = "data_format" in node.attrs and node.attrs["data_format"].s in _CHANNELS_SECOND
    return Axes((labels, (1 if second else labels[-1],)), labels)


def _matrices(node: Node) -> Axes:
    outer = tuple(range(node.output().shape.rank - 2))
    flags = [("transpose_a", "adj_x"), ("transpose_b", "adj_y")]
    operands = []
    for value, keys, last in zip(node.inputs, flags, (("row", "sum"), ("sum", "column")), strict=True):
        turned = any(node.attrs[key].b for key in keys if key in node.attrs)
        count = value.shape.rank - 2
        operands.append((*outer[len(outer) - count :], *(reversed(last) if turned else last)))
    return Axes(tuple(operands), (*outer, "row", "column"))


def _pointwise(node: Node) -> Axes | None:
    """Returns the axes of a convolution whose kernel is one position wide, so that it is a product at each position."""
    x, kernel = (value.shape for value in node.inputs)
    spatial = tuple(range(1, x.rank - 1))
    single = all(kernel[axis - 1] == 1 for axis in spatial) and set(node.attrs["strides"].list.i) == {1}
    last = node.attrs["data_format"].s not in _CHANNELS_SECOND and node.attrs["padding"].s != b"EXPLICIT"
    if not (single and last) or node.compiled or x[-1] is None or x[-1] != kernel[-2]:
        return None
    window = tuple(f"window {axis}" for axis in spatial)
    return Axes(((0, *spatial, "sum"), (*window, "sum", "column")), (0, *spatial, "column"))


def _einsum(node: Node) -> Axes | None:
    before, _, after = node.attrs["equation"].s.decode().replace(" ", "").partition("->")
    operands = [_letters(letters, value) for letters, value in zip(before.split(","), node.inputs, strict=True)]
    output = _letters(after, node.output())
    if any(len(set(labels)) < len(labels) for labels in (*operands, output)):  # a diagonal
        return None
    return Axes(tuple(operands), output)


def _letters(letters: str, value: Value) -> tuple[Label, ...]:
    """Returns the labels of an operand; an ellipsis stands for its other axes, counted from the last."""
    first, dots, last = letters.partition("...")
    others = range(len(first + last) - value.shape.rank, 0) if dots else ()
    return (*first, *others, *last)


def _moved(node: Node, static: Static) -> Axes | None:
    """Returns the axes of an op that moves, inserts or drops axes, or sums over them."""
    x = node.inputs[0]
    rank = x.shape.rank
    labels = tuple(range(rank))
    if node.type == "Squeeze":
        given = list(node.attrs["squeeze_dims"].list.i)
        if not given and not x.shape.is_fully_defined():
            return None
        dropped = {axis % rank for axis in given} or {axis for axis in labels if x.shape[axis] == 1}
        return Axes((labels,), tuple(axis for axis in labels if axis not in dropped))
    numbers = static(node.inputs[1])
    if numbers is None:
        return None
    if node.type == "Transpose":
        return Axes((labels,), tuple(axis % rank for axis in numbers))
    if node.type == "ExpandDims":
        place = numbers[0] % (rank + 1)
        return Axes((labels,), (*labels[:place], "new", *labels[place:]))
    summed = {axis % rank for axis in numbers}
    kept = [(f"kept {axis}" if axis in summed else axis) for axis in labels]
    return Axes(
        (labels,), tuple(kept if node.attrs["keep_dims"].b else [axis for axis in labels if axis not in summed])
    )
