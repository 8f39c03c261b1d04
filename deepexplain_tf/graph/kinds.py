"""The one table of TensorFlow ops, with the kind of each, by which composites choose its rule."""

from collections.abc import Sequence
import enum

from deepexplain_tf.graph.ir import GROUP, LAYER, NEURON, Node


class Kind(enum.StrEnum):
    """The kind of an op, given its *active* inputs: those that depend on the explained tensor."""

    CONVOLUTION = "convolution"  # a layer of `graph.passes.layers`, a convolution or a transposed one
    DENSE = "dense"  # any other layer of `graph.passes.layers`, a product of matrices
    LINEAR = "linear"  # linear or affine in its active inputs, taken together
    ACTIVATION = "activation"  # a scalar function used as a network's nonlinearity
    FUNCTION = "function"  # any other scalar function of one active input
    PRODUCT = "product"  # linear in each of two active inputs
    QUOTIENT = "quotient"  # a division by an active input
    SQUARED_DIFFERENCE = "squared_difference"
    SOFTMAX = "softmax"
    LOG_SOFTMAX = "log_softmax"
    CROSS_ENTROPY = "cross_entropy"
    MAXIMUM = "maximum"  # the largest of several numbers: pooling, a reduction, or the larger of two tensors
    MINIMUM = "minimum"
    SECANT = "secant"  # sorting, running products and other ops for which no local rule is exact
    JOINT = "joint"  # a scalar function of several active inputs
    CHOICE = "choice"  # a selection that reads its condition as a number; see `graph.passes.conditions`
    NORM = "norm"  # the length of a vector or of a complex number
    SOLVE = "solve"  # a system of linear equations whose matrix is active
    STOP_GRADIENT = "stop_gradient"  # passes on its value, but no gradient
    DISCRETE = "discrete"  # reads a choice (an index, a condition) that depends on the explained tensor
    UNKNOWN = "unknown"  # not in the table


_LINEAR = """
    Add AddN AddV2 AvgPool AvgPool3D BandedTriangularSolve BatchToSpace BatchToSpaceND BiasAdd BiasAddV1
    BroadcastTo Cast CheckNumerics Complex Concat ConcatV2 Conj ConjugateTranspose CropAndResize Cumsum DepthToSpace
    Diag DiagPart DynamicPartition DynamicStitch EnsureShape ExpandDims ExtractImagePatches ExtractVolumePatches FFT
    FFT2D FFT3D FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 IFFT IFFT2D IFFT3D IRFFT
    IRFFT2D Identity IdentityN Imag MatrixBandPart MatrixDiag
    MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2
    MatrixSetDiagV3 Mean MirrorPad Neg Pack Pad PadV2 ParallelDynamicStitch PlaceholderWithDefault RFFT RFFT2D
    RaggedTensorToTensor Real Reshape ResizeBicubic ResizeBilinear ResizeNearestNeighbor Reverse ReverseSequence
    ReverseV2 Roll ScaleAndTranslate ScatterNd SegmentMean SegmentSum Select SelectV2 Slice SpaceToBatch
    SpaceToBatchND SpaceToDepth SparseSegmentMean SparseSegmentMeanWithNumSegments SparseSegmentSqrtN
    SparseSegmentSqrtNWithNumSegments SparseSegmentSum SparseSegmentSumWithNumSegments Split SplitV Squeeze
    StridedSlice Sub Sum TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListPopBack
    TensorListPushBack TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2
    TensorListSetItem TensorListSplit TensorListStack TensorScatterAdd TensorScatterSub TensorScatterUpdate
    TensorStridedSliceUpdate Tile Transpose TridiagonalSolve Unpack UnsortedSegmentSum
"""
_ACTIVATION = "Elu LeakyRelu Relu Relu6 Selu Sigmoid Softplus Softsign Tanh ClipByValue"
_FUNCTION = """
    Abs Acos Acosh Asin Asinh Atan Atanh BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e
    BesselK1 BesselK1e BesselY0 BesselY1 Ceil Cos Cosh Dawsn Digamma Erf Erfc Erfinv Exp Expint Expm1
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Floor FresnelCos FresnelSin Inv
    Lgamma Log Log1p Ndtri QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 Reciprocal Rint
    Round Rsqrt Sign Sin Sinh Spence Sqrt Square Tan
"""
_PRODUCT = """
    BatchMatMul BatchMatMulV2 BatchMatMulV3 Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cross
    DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput Einsum MatMul Mul MulNoNan SparseMatMul
    SparseTensorDenseMatMul
"""
_MAXIMUM = """
    Dilation2D Max MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Maximum SegmentMax TensorScatterMax UnsortedSegmentMax
"""
_SECANT = """
    Cholesky CumulativeLogsumexp Cumprod ImageProjectiveTransformV2 ImageProjectiveTransformV3 LRN NthElement Prod
    RGBToHSV SelfAdjointEigV2 Svd TopKV2
"""
_JOINT = """
    Atan2 Betainc FloorDiv FloorMod Igamma Igammac NextAfter Polygamma Pow TruncateDiv Xdivy Xlog1py Xlogy Zeta
"""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(_LINEAR.split(), Kind.LINEAR),
    **dict.fromkeys(_ACTIVATION.split(), Kind.ACTIVATION),
    **dict.fromkeys(_FUNCTION.split(), Kind.FUNCTION),
    **dict.fromkeys(_PRODUCT.split(), Kind.PRODUCT),
    **dict.fromkeys(("RealDiv", "Div", "DivNoNan"), Kind.QUOTIENT),
    **dict.fromkeys(_MAXIMUM.split(), Kind.MAXIMUM),
    **dict.fromkeys(("Min", "Minimum", "SegmentMin", "TensorScatterMin", "UnsortedSegmentMin"), Kind.MINIMUM),
    **dict.fromkeys(_SECANT.split(), Kind.SECANT),
    **dict.fromkeys(_JOINT.split(), Kind.JOINT),
    **dict.fromkeys(("ComplexAbs", "EuclideanNorm"), Kind.NORM),
    **dict.fromkeys(("MatrixInverse", "MatrixSolve", "MatrixTriangularSolve"), Kind.SOLVE),
    **dict.fromkeys(("DeepCopy", "Snapshot", "StopGradient"), Kind.STOP_GRADIENT),
    "SoftmaxCrossEntropyWithLogits": Kind.CROSS_ENTROPY,
    "SparseSoftmaxCrossEntropyWithLogits": Kind.CROSS_ENTROPY,
    "SquaredDifference": Kind.SQUARED_DIFFERENCE,
    "Softmax": Kind.SOFTMAX,
    "LogSoftmax": Kind.LOG_SOFTMAX,
    GROUP: Kind.ACTIVATION,
}

# Ops whose kind holds only if one certain input is active, with the position of that input.
_IN_ONE_INPUT = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), 0),
    **dict.fromkeys(("CropAndResize", "ImageProjectiveTransformV2", "ImageProjectiveTransformV3"), 0),
    **dict.fromkeys(("ScaleAndTranslate", "FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVarsPerChannel"), 0),
    **dict.fromkeys(("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"), 0),
    **dict.fromkeys(("BandedTriangularSolve", "TridiagonalSolve"), 1),
}
# Ops whose gradient is wrong for bands of diagonals, with the position of the input that chooses the diagonals.
_ONE_DIAGONAL = {"MatrixDiagV2": 1, "MatrixDiagPartV2": 1, "MatrixSetDiagV2": 2}
# Ops whose kind holds only if an attribute has this value.
_IF_ATTRIBUTE = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), ("is_training", False)),
    **dict.fromkeys(("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3"), ("range_given", True)),
    "QuantizeAndDequantizeV4": ("range_given", True),
    "SelfAdjointEigV2": ("compute_v", False),
    "Svd": ("compute_uv", False),
}

# Functions with steps, and functions for which TensorFlow lacks a derivative.
_STEPS = """
    Betainc Ceil FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Floor FloorDiv
    FloorMod Igamma Igammac NextAfter Polygamma QuantizeAndDequantizeV2 QuantizeAndDequantizeV3
    QuantizeAndDequantizeV4 Rint Round Select SelectV2 Sign TruncateDiv Zeta
"""
COMPARISONS = frozenset(("Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"))
STEPS = frozenset(_STEPS.split()) | COMPARISONS
SELECTIONS = frozenset(("Select", "SelectV2"))

# Ops whose result depends on a tensor's shape, but not on its numbers.
_SHAPE_ONLY = """
    Shape ShapeN Size Rank ZerosLike OnesLike BroadcastGradientArgs TensorListLength TensorListElementShape
"""
SHAPE_ONLY = frozenset(_SHAPE_ONLY.split())

# Ops that can merge the batch axis with another one, or lengthen it.
_REGROUPING = "BatchToSpace BatchToSpaceND Concat ConcatV2 Reshape SpaceToBatch SpaceToBatchND Tile"
REGROUPING = frozenset(_REGROUPING.split())

# Ops each of whose outputs is one of the inputs, or 0.
_ROUTING = """
    BatchToSpace BatchToSpaceND BroadcastTo Cast CheckNumerics Complex Concat ConcatV2 DepthToSpace Diag DiagPart
    DynamicPartition DynamicStitch EnsureShape ExpandDims ExtractImagePatches ExtractVolumePatches Gather GatherNd
    GatherV2 Identity IdentityN MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3
    MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad Pack Pad PadV2
    ParallelDynamicStitch PlaceholderWithDefault RaggedTensorToTensor Reshape ResizeNearestNeighbor Reverse
    ReverseSequence ReverseV2 Roll Select SelectV2 Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze
    StridedSlice TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListPopBack
    TensorListPushBack TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2
    TensorListSetItem TensorListSplit TensorListStack TensorScatterUpdate TensorStridedSliceUpdate Tile Transpose
    Unpack
"""
ROUTING = frozenset(_ROUTING.split())

# Ops with programs inside them.
CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))
LOOPS = frozenset(("While", "StatelessWhile"))
BRANCHES = frozenset(("If", "StatelessIf", "Case", "StatelessCase"))
LOOP_V1 = frozenset(
    ("Enter", "Exit", "NextIteration", "Merge", "Switch", "LoopCond")
)  # TensorFlow 1's loops, which are not read

# Ops that multiply by many weights and so do most of a network's work.
WEIGHTED = frozenset(_PRODUCT.split()) - {"Cross", "Mul", "MulNoNan"}

# Linear ops by the signs of their coefficients: all positive but for the second input of Sub, or those of one input.
_ADDITION = "Add AddN AddV2 BiasAdd BiasAddV1 Sub"
ADDITIONS = frozenset(_ADDITION.split())
_AVERAGE = "AvgPool AvgPool3D Mean Sum"
AVERAGES = frozenset(_AVERAGE.split())
_SCALING = "Div DivNoNan FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Mul MulNoNan Neg RealDiv"
SCALINGS = frozenset(_SCALING.split())  # each element by a number

# Ops that stay compiled by XLA if the model compiles them (Keras' grouped convolutions): TensorFlow's own kernels add
# up in another order, or have no gradient.
COMPILED = frozenset(("Conv2D", "Conv3D"))

# Element-wise ops that a canonical group may contain besides activations and functions.
_ELEMENTWISE = """
    Add AddV2 AddN Sub Mul Neg RealDiv Div DivNoNan Maximum Minimum SquaredDifference Identity IdentityN Cast
    Select SelectV2 Greater GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot
    ZerosLike OnesLike Snapshot
"""
ELEMENTWISE = frozenset(_ELEMENTWISE.split())


def kind_of(node: Node, active: Sequence[int]) -> Kind:
    """Returns the kind of an op whose inputs at the positions `active` depend on the explained tensor."""
    if node.type in SELECTIONS and 0 in active:
        if node.inputs[0].differentiable:
            return Kind.CHOICE
        if len(active) > 1:
            return Kind.JOINT
    if node.type == LAYER:
        return Kind.CONVOLUTION if "Conv" in node.attrs["product"] else Kind.DENSE
    if node.type == NEURON:
        return Kind.ACTIVATION
    if node.type in LOOPS | BRANCHES or not all(node.inputs[position].differentiable for position in active):
        return Kind.DISCRETE
    if not _fits(node, active):
        return Kind.UNKNOWN
    kind = KINDS.get(node.type, Kind.UNKNOWN)
    match kind, list(active):
        case (Kind.PRODUCT, [_]) | (Kind.QUOTIENT, [0]) | (Kind.SOLVE, [1]):
            return Kind.LINEAR
        case (Kind.MAXIMUM | Kind.MINIMUM, [_]) if node.type in ("Maximum", "Minimum"):
            return Kind.ACTIVATION
        case (Kind.JOINT, [_]):
            return Kind.FUNCTION
        case (Kind.ACTIVATION | Kind.FUNCTION, [_, _, *_]):
            return Kind.JOINT
    return kind


def _fits(node: Node, active: Sequence[int]) -> bool:
    """Whether the table's kind holds for an op with these active inputs and its attributes."""
    if node.type in _IN_ONE_INPUT and list(active) != [_IN_ONE_INPUT[node.type]]:
        return False
    if node.type == "Dilation2D" and len(active) > 1:
        return False
    if node.type in _ONE_DIAGONAL and node.inputs[_ONE_DIAGONAL[node.type]].shape.rank != 0:
        return False
    attribute, value = _IF_ATTRIBUTE.get(node.type, ("", True))
    return not attribute or node.attrs[attribute].b == value
