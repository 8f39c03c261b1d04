"""Mutations of GraphDefs, those inside SavedModels too."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tests.fuzzing.table import GRAPHS, Random, of_graphs, one_of

_SIZES = (-(2**62), -2, -1, 0, 1, 3, 2**20, 2**31, 2**40, 2**62)
TYPES = (0, 2, 3, 4, 7, 9, 10, 14, 19, 20, 21, 101, 99, 10**6)  # DataType numbers, a few of which are none


def _nodes(graph: Any) -> list[Any]:
    return [*graph.node, *(node for function in graph.library.function for node in function.node_def)]


def node_of(graph: Any, random: Random, having: Callable[[Any], Any] = lambda node: True) -> Any:
    return one_of(random, [node for node in _nodes(graph) if having(node)])


# --- ops ----------------------------------------------------------------------------------------------------

_OPS = """
    Relu Tanh Exp Log Softmax MatMul Conv2D BiasAdd AddV2 Mul Sub RealDiv Reshape MaxPool AvgPool Identity Const
    Placeholder Mean Sum Max TopKV2 StopGradient Cast Transpose ConcatV2 Pad Pack FusedBatchNormV3 VarHandleOp
    ReadVariableOp Assert NoOp RandomUniform TensorListReserve TensorListStack Variable VariableV2 PartitionedCall
    Shape Size Rank Fill ZerosLike Cumsum ArgMax OneHot GatherV2 StridedSlice Sqrt Rsqrt Erf Select SelectV2 LRN
    Einsum BatchMatMulV2 DepthwiseConv2dNative Bincount Unique Where StringJoin EncodeBase64 IFFT2D Qr
"""
_OF_ONE = """
    Relu Tanh Exp Log Softmax Sqrt Rsqrt Abs Neg Sign Square Erf Elu Softplus Cos LogSoftmax Floor Inv Lgamma
    StopGradient ZerosLike Reciprocal Atanh Snapshot
"""
_OF_TWO = "AddV2 Mul Sub RealDiv Maximum Minimum Pow SquaredDifference Xdivy DivNoNan Atan2 FloorMod Igamma Zeta"


@of_graphs()
def wrong_op(graph: Any, random: Random) -> None:
    node_of(graph, random).op = one_of(random, _OPS.split())


@of_graphs()
def wrong_function_of_one_input(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: len(node.input) == 1 and "T" in node.attr)
    node.op = one_of(random, _OF_ONE.split())


@of_graphs()
def wrong_function_of_two_inputs(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: node.op in ("AddV2", "Mul", "MatMul") and node.attr["T"].type == 1)
    node.op = one_of(random, _OF_TWO.split())


@of_graphs()
def unknown_op(graph: Any, random: Random) -> None:
    node_of(graph, random).op = one_of(random, ["NoSuchOp", "", "relu", "Relu ", "é", "While2", "_Arg", "_Retval"])


@of_graphs()
def control_flow_of_tensorflow_1(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: len(node.input) == 1)
    node.op = one_of(random, ["Enter", "Exit", "NextIteration", "Merge", "Switch", "RefEnter", "LoopCond"])
    node.attr["frame_name"].s = b"frame"
    node.attr["N"].i = 1


# --- edges --------------------------------------------------------------------------------------------------


@of_graphs()
def cycle(graph: Any, random: Random) -> None:
    """A node reads itself or a node behind it."""
    node = node_of(graph, random, lambda node: node.input)
    mark = "^" if random.random() < 0.2 else ""
    behind = [other.name for other in _nodes(graph) if any(name.split(":")[0] == node.name for name in other.input)]
    node.input[int(random.integers(len(node.input)))] = mark + one_of(random, [node.name, *behind])


@of_graphs()
def dangling_input(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: node.input)
    read = ["none", "", "^none", ":0", "x:9", "x:-1", "^", "x:0:0", "x:output:5", "y:y:0", "é", "x y", "^x:1", "x:1e9"]
    node.input[int(random.integers(len(node.input)))] = one_of(random, read)


@of_graphs()
def another_input(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: node.input)
    found = [name for other in _nodes(graph) for name in other.input]
    node.input[int(random.integers(len(node.input)))] = one_of(random, found)


@of_graphs()
def wrong_number_of_inputs(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: node.input)
    number = int(random.integers(len(node.input)))
    change = random.integers(3)
    if change == 0:
        del node.input[number]
    elif change == 1:
        node.input.append(node.input[number])
    else:
        node.input.extend([node.input[number]] * 1000)


@of_graphs()
def reversed_inputs(graph: Any, random: Random) -> None:
    node = node_of(graph, random, lambda node: len(node.input) > 1)
    node.input[:] = list(node.input)[::-1]


@of_graphs()
def control_input(graph: Any, random: Random) -> None:
    node, other = one_of(random, graph.node), one_of(random, graph.node)
    node.input.append(f"^{other.name}")


@of_graphs()
def renamed_node(graph: Any, random: Random) -> None:
    node_of(graph, random).name = one_of(random, ["another", "", "é", "a b", "/", "_x", "^x", "x:0", "y", "a" * 5000])


@of_graphs()
def duplicate_node(graph: Any, random: Random) -> None:
    graph.node.add().CopyFrom(one_of(random, graph.node))


@of_graphs()
def removed_nodes(graph: Any, random: Random) -> None:
    for _ in range(random.integers(1, 4)):
        if graph.node:
            del graph.node[int(random.integers(len(graph.node)))]


@of_graphs()
def no_nodes(graph: Any, random: Random) -> None:
    del graph.node[:]
    if random.random() < 0.5:
        del graph.library.function[:]


# --- attributes ---------------------------------------------------------------------------------------------


def attribute_of(graph: Any, random: Random, having: Callable[[Any], Any] = lambda attr: True) -> Any:
    """Returns a node and the name of one of its attributes."""
    found = [(node, key) for node in _nodes(graph) for key in sorted(node.attr) if having(node.attr[key])]
    return one_of(random, found)


def _any_value(attr: Any, random: Random) -> None:
    what = random.integers(8)
    if what == 0:
        attr.s = one_of(random, [b"", b"\xff\xfe", b"SAME", b"NCHW", b"loc:@none", b"x" * 10_000])
    elif what == 1:
        attr.i = one_of(random, _SIZES)
    elif what == 2:
        attr.f = one_of(random, [float("nan"), float("inf"), -1.0])
    elif what == 3:
        attr.b = bool(random.random() < 0.5)
    elif what == 4:
        attr.type = one_of(random, TYPES)
    elif what == 5:
        random_shape(attr.shape, random)
    elif what == 6:
        attr.list.i.extend(one_of(random, _SIZES) for _ in range(random.integers(0, 5)))
    else:
        attr.func.name = one_of(random, ["none", ""])


def random_shape(shape: Any, random: Random) -> None:
    del shape.dim[:]
    shape.unknown_rank = bool(random.random() < 0.2)
    for _ in range(random.integers(0, 5) if random.random() < 0.95 else 300):
        shape.dim.add(size=one_of(random, _SIZES))


@of_graphs()
def missing_attribute(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random)
    del node.attr[key]


@of_graphs()
def attribute_of_another_kind(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random)
    _any_value(node.attr[key], random)


@of_graphs()
def additional_attribute(graph: Any, random: Random) -> None:
    names = [
        "extra",
        "_extra",
        "_output_shapes",
        "_class",
        "T",
        "_gradient_op_type",
        "dtype",
        "_XlaMustCompile",
        "_noinline",
    ]
    _any_value(node_of(graph, random).attr[one_of(random, names)], random)


@of_graphs()
def wrong_dtype(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random, lambda attr: attr.HasField("type"))
    node.attr[key].type = one_of(random, TYPES)


@of_graphs()
def wrong_dtype_of_all(graph: Any, random: Random) -> None:
    """One element type in place of another throughout, but in the constants."""
    old, new = one_of(random, [1, 3]), one_of(random, TYPES)
    for node in _nodes(graph):
        for attr in node.attr.values():
            if attr.HasField("type") and attr.type == old:
                attr.type = new


@of_graphs()
def wrong_shape(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random, lambda attr: attr.HasField("shape") or attr.list.shape)
    attr = node.attr[key]
    random_shape(attr.shape if attr.HasField("shape") else attr.list.shape[0], random)


@of_graphs(*GRAPHS)
def wrong_shape_of_the_placeholder(graph: Any, random: Random) -> None:
    for node in graph.node:
        if node.op == "Placeholder":
            random_shape(node.attr["shape"].shape, random)


@of_graphs()
def wrong_numbers_of_a_window(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random, lambda attr: attr.list.i)
    numbers = node.attr[key].list.i
    numbers[int(random.integers(len(numbers)))] = one_of(random, _SIZES)
    if random.random() < 0.3:
        del numbers[0]


@of_graphs()
def wrong_string(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random, lambda attr: attr.HasField("s"))
    strings = [b"", b"SAME", b"VALID", b"EXPLICIT", b"NCHW", b"NCHW_VECT_C", b"NHWC", b"\xff", b"ij,jk->ik"]
    node.attr[key].s = one_of(random, strings)


@of_graphs()
def wrong_flag(graph: Any, random: Random) -> None:
    node, key = attribute_of(graph, random, lambda attr: attr.HasField("b"))
    node.attr[key].b = not node.attr[key].b


@of_graphs()
def wrong_device(graph: Any, random: Random) -> None:
    devices = ["/gpu:99", "/device:FOO:1", "garbage", "/job:none/task:7", "/cpu:9999999999999", "é", "/cpu:0", "/gpu:0"]
    node_of(graph, random).device = one_of(random, devices)


@of_graphs()
def wrong_versions(graph: Any, random: Random) -> None:
    numbers = [-1, 0, 1, 20, 10**6, 2**31 - 1]
    graph.versions.producer = one_of(random, numbers)
    graph.versions.min_consumer = one_of(random, numbers)
    if random.random() < 0.3:
        graph.versions.bad_consumers.append(one_of(random, numbers))


# --- what changes nothing -----------------------------------------------------------------------------------


@of_graphs(*GRAPHS, neutral=True)
def another_order(graph: Any, random: Random) -> None:
    nodes = [tf.compat.v1.NodeDef.FromString(node.SerializeToString()) for node in graph.node]
    del graph.node[:]
    graph.node.extend(nodes[int(number)] for number in random.permutation(len(nodes)))


@of_graphs(neutral=True)
def other_names(graph: Any, random: Random) -> None:
    """A constant of the outer graph is named anew everywhere."""
    node = one_of(random, [node for node in graph.node if node.op == "Const"])
    old, node.name = node.name, "new/name"
    for other in graph.node:
        other.input[:] = [
            "new/name" if name == old else f"new/name{name[len(old) :]}" if name.startswith(f"{old}:") else name
            for name in other.input
        ]


@of_graphs(neutral=True)
def what_nothing_reads(graph: Any, random: Random) -> None:
    made = graph.node.add(name="apart", op=one_of(random, ["Placeholder", "NoOp"]))
    if made.op == "Placeholder":
        made.attr["dtype"].type = 1


@of_graphs(*GRAPHS, neutral=True)
def identities(graph: Any, random: Random) -> None:
    """A long chain of Identity ops stands before an op."""
    node = one_of(random, [node for node in graph.node if node.op in ("Reshape", "MatMul", "Relu", "BiasAdd")])
    for number in range(400):
        made = graph.node.add(name=f"link_{number}", op="Identity", input=[node.input[0]])
        made.attr["T"].type = 1
        node.input[0] = made.name


@of_graphs(neutral=True)
def hidden_attributes(graph: Any, random: Random) -> None:
    for node in graph.node:
        node.attr["_note"].s = random.bytes(4)
