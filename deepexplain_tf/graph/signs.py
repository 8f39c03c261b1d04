"""Which values of a program are never negative, whatever its inputs are."""

import tensorflow as tf

from deepexplain_tf.graph.ir import Node, Program, Value

_NEVER_NEGATIVE = ("Abs", "Exp", "Relu", "Relu6", "Rsqrt", "Sigmoid", "Softmax", "Softplus", "Sqrt", "Square")
_KEEPS_SIGN = """
    Add AddN AddV2 AvgPool AvgPool3D BatchToSpaceND Concat ConcatV2 EnsureShape ExpandDims Gather GatherV2 Identity Max
    MaxPool MaxPool3D MaxPoolV2 Mean Min Minimum Mul Pack Pad Prod Reshape ResizeBilinear ResizeNearestNeighbor Reverse
    ReverseV2 Slice SpaceToBatchND Split SplitV Squeeze StopGradient StridedSlice Sum Tile Transpose Unpack
"""
_SIGN_KEEPING = frozenset(_KEEPS_SIGN.split())


def never_negative(program: Program) -> frozenset[Value]:
    """Returns values of a program that are never negative, such as those behind a ReLU and its pooling.

    Others may be so too: what loops, branches, groups and variables compute is not looked at.
    """
    found: set[Value] = set()
    for node in program.nodes():
        if _is_never_negative(node, found):
            found.update(node.outputs())
    return frozenset(found)


def _is_never_negative(node: Node, found: set[Value]) -> bool:
    if node.type in _NEVER_NEGATIVE:
        return True
    if node.type == "Const":
        dtype = node.output().dtype
        return dtype.is_floating and bool((tf.make_ndarray(node.attrs["value"].tensor) >= 0).all())
    operands = [value for value in node.inputs if value.dtype == node.output().dtype] if node.specs else []
    if node.type == "Maximum":
        return not found.isdisjoint(operands)
    return node.type in _SIGN_KEEPING and bool(operands) and found.issuperset(operands)
