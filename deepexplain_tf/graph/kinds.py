"""The one table of TensorFlow ops: what each is to an attribution rule."""

from collections.abc import Sequence
import enum

from deepexplain_tf.graph.ir import GROUP, Node


class Kind(enum.StrEnum):
    """What an op is, given which of its inputs depend on the explained tensor (are *active*)."""

    LINEAR = "linear"  # linear, or affine, in its active inputs taken together
    ACTIVATION = "activation"  # a scalar function used as a network's nonlinearity
    FUNCTION = "function"  # any other scalar function of one active input
    PRODUCT = "product"  # linear in each of two active inputs
    QUOTIENT = "quotient"  # a division by an active input
    SQUARED_DIFFERENCE = "squared_difference"
    SOFTMAX = "softmax"
    LOG_SOFTMAX = "log_softmax"
    MAXIMUM = "maximum"  # a choice of the largest: pooling, reduction, or of two tensors
    MINIMUM = "minimum"
    SECANT = "secant"  # sorting and running products, for which no local rule is exact
    JOINT = "joint"  # a scalar function of several active inputs
    COMPLEX_ABS = "complex_abs"
    STOP_GRADIENT = "stop_gradient"
    DISCRETE = "discrete"  # reads a choice (an index, a condition) that depends on the explained tensor
    UNKNOWN = "unknown"  # not in the table


_LINEAR = """
    Add AddN AddV2 AvgPool AvgPool3D BatchToSpace BatchToSpaceND BiasAdd BiasAddV1 BroadcastTo Cast
    CheckNumerics Complex Concat ConcatV2 Conj Cumsum DeepCopy DepthToSpace Diag DiagPart EnsureShape ExpandDims
    ExtractImagePatches FFT FFT2D FFT3D Gather GatherNd GatherV2 IFFT IFFT2D IFFT3D IRFFT IRFFT2D Identity
    IdentityN Imag MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
    MatrixDiagV3 Mean MirrorPad Neg Pack Pad PadV2 PlaceholderWithDefault RFFT RFFT2D Real
    Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 Roll
    ScatterNd Select SelectV2 Slice Snapshot SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze
    StridedSlice Sub Sum TensorScatterAdd TensorScatterSub TensorScatterUpdate Tile Transpose UnsortedSegmentSum
    Unpack FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 DynamicStitch ParallelDynamicStitch DynamicPartition
    SegmentSum SegmentMean TensorListConcatLists TensorListConcatV2 TensorListFromTensor TensorListGather
    TensorListGetItem TensorListPopBack TensorListPushBack TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
"""
_ACTIVATION = "Elu LeakyRelu Relu Relu6 Selu Sigmoid Softplus Softsign Tanh ClipByValue"
_FUNCTION = """
    Abs Acos Acosh Asin Asinh Atan Atanh BesselI0e BesselI1e Ceil Cos Cosh Digamma Erf Erfc Erfinv Exp Expm1 Floor
    Inv Lgamma Log Log1p Ndtri Pow Reciprocal Rint Round Rsqrt Sign Sin Sinh Sqrt Square Tan
"""
_PRODUCT = """
    Mul MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum Conv2D Conv3D DepthwiseConv2dNative Conv
    Conv2DBackpropInput Conv3DBackpropInputV2 DepthwiseConv2dNativeBackpropInput MulNoNan Cross
"""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(_LINEAR.split(), Kind.LINEAR),
    **dict.fromkeys(_ACTIVATION.split(), Kind.ACTIVATION),
    **dict.fromkeys(_FUNCTION.split(), Kind.FUNCTION),
    **dict.fromkeys(_PRODUCT.split(), Kind.PRODUCT),
    **dict.fromkeys(("RealDiv", "Div", "DivNoNan"), Kind.QUOTIENT),
    **dict.fromkeys(("Max", "MaxPool", "MaxPoolV2", "MaxPool3D", "Maximum"), Kind.MAXIMUM),
    **dict.fromkeys(("Min", "Minimum"), Kind.MINIMUM),
    **dict.fromkeys(("TopK", "TopKV2", "Prod", "Cumprod", "CumulativeLogsumexp", "LRN"), Kind.SECANT),
    **dict.fromkeys(("Atan2", "Xlogy", "Xlog1py", "Xdivy"), Kind.JOINT),
    "ComplexAbs": Kind.COMPLEX_ABS,
    "SquaredDifference": Kind.SQUARED_DIFFERENCE,
    "Softmax": Kind.SOFTMAX,
    "LogSoftmax": Kind.LOG_SOFTMAX,
    "StopGradient": Kind.STOP_GRADIENT,
    GROUP: Kind.ACTIVATION,
}

# Ops whose result tells a tensor's shape or its default value, but nothing of its numbers.
_SHAPE_ONLY = """
    Shape ShapeN Size Rank ZerosLike OnesLike BroadcastGradientArgs TensorListLength TensorListElementShape
"""
SHAPE_ONLY = frozenset(_SHAPE_ONLY.split())

# Ops that can fold the batch into another axis or lengthen it.
_REGROUPING = "BatchToSpace BatchToSpaceND Concat ConcatV2 Reshape SpaceToBatch SpaceToBatchND Tile"
REGROUPING = frozenset(_REGROUPING.split())

# Ops with programs inside them.
LOOPS = frozenset(("While", "StatelessWhile"))
BRANCHES = frozenset(("If", "StatelessIf", "Case", "StatelessCase"))
LOOP_V1 = frozenset(("Enter", "Exit", "NextIteration", "Merge", "Switch", "LoopCond"))  # TensorFlow 1's, not entered

# Scalar functions of several operands, element by element: the members that a canonical group may have
# beside the activations and functions.
_ELEMENTWISE = """
    Add AddV2 AddN Sub Mul Neg RealDiv Div DivNoNan Maximum Minimum SquaredDifference Identity IdentityN Cast
    Select SelectV2 Greater GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot
    ZerosLike OnesLike Snapshot
"""
ELEMENTWISE = frozenset(_ELEMENTWISE.split())


def kind_of(node: Node, active: Sequence[int]) -> Kind:
    """Returns the kind of an op of which the inputs at the positions `active` depend on the explained tensor."""
    if node.type == "SelectV2" and 0 in active and len(active) > 1:
        return Kind.JOINT
    if node.type in LOOPS | BRANCHES or not all(node.inputs[position].differentiable for position in active):
        return Kind.DISCRETE
    kind = KINDS.get(node.type, Kind.UNKNOWN)
    first_alone = list(active) == [0]
    if kind is Kind.PRODUCT and len(active) == 1:
        return Kind.LINEAR
    if kind is Kind.QUOTIENT and first_alone:
        return Kind.LINEAR
    if node.type in ("Maximum", "Minimum") and len(active) == 1:
        return Kind.ACTIVATION
    if node.type.startswith("FusedBatchNorm") and (not first_alone or node.attrs["is_training"].b):
        return Kind.UNKNOWN
    if kind is Kind.JOINT and len(active) == 1:
        return Kind.FUNCTION
    if kind in (Kind.ACTIVATION, Kind.FUNCTION) and len(active) != 1:
        return Kind.JOINT if node.type == "Pow" else Kind.UNKNOWN
    return kind
