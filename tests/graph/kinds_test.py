"""Tests of `graph/kinds.py`: what the table says of an op is true of its numbers."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph import kinds
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import ELEMENTWISE, KINDS, SHAPE_ONLY, Kind
from tests.checks import assert_sums
from tests.references import numbers


@pytest.mark.parametrize("name", sorted(({*KINDS} | ELEMENTWISE | SHAPE_ONLY) - {GROUP}))
def test_every_name_is_an_op_of_tensorflow(name):
    assert hasattr(tf.raw_ops, name)


def _found(function, *shapes, dtype=tf.float64):
    """The kind of each active op, by op type."""
    signature = [tf.TensorSpec([None, *shape], dtype) for shape in shapes]
    with dx.DeepExplain(function, output="model", input_signature=signature) as de:
        return {op.type: op.kind for op, _ in de.coverage("saliency") if op.type != "Identity"}


# --- scalar functions -------------------------------------------------------------------------------------

_SCALAR = sorted(name for name, kind in KINDS.items() if kind in (Kind.ACTIVATION, Kind.FUNCTION) and name != GROUP)
_DOMAINS = {
    "Acosh": (1.2, 4.0),
    "Acos": (-0.9, 0.9),
    "Asin": (-0.9, 0.9),
    "Atanh": (-0.9, 0.9),
    "Erfinv": (-0.9, 0.9),
    "Ndtri": (0.1, 0.9),
    "Tan": (-1.2, 1.2),
}
_POSITIVE = {"Digamma", "Inv", "Lgamma", "Log", "Log1p", "Pow", "Reciprocal", "Rsqrt", "Sqrt"}
_REST = {"Pow": {"y": 2.5}, "ClipByValue": {"clip_value_min": -0.5, "clip_value_max": 0.75}}


def _scalar(name):
    """The op with its first argument left open."""
    op = getattr(tf.raw_ops, name)
    first = next(iter(inspect.signature(op).parameters))

    def function(x):
        rest = {key: tf.constant(value, x.dtype) for key, value in _REST.get(name, {}).items()}
        return op(**{first: x}, **rest)

    return function


def _points(name):
    low, high = _DOMAINS.get(name, (0.3, 4.0) if name in _POSITIVE else (-3.0, 3.0))
    generator = np.random.default_rng(1)
    return generator.uniform(low, high, (3, 4)), generator.uniform(low, high, 4)


@pytest.mark.parametrize("name", _SCALAR)
def test_scalar_functions_read_one_element_each(name):
    x, _ = _points(name)
    function = _scalar(name)
    np.testing.assert_array_equal(function(tf.constant(x[:, ::-1])), np.asarray(function(tf.constant(x)))[:, ::-1])
    assert _found(function, (4,)) == {name: KINDS[name]}


@pytest.mark.parametrize("name", _SCALAR)
def test_deeplift_sums_at_every_scalar_function(name):
    x, x0 = _points(name)
    x[0, :2] = x0[:2]
    assert_sums(_scalar(name), [x], [x0])


# --- linear ops -------------------------------------------------------------------------------------------

_MATRIX, _FILTERS = map(tf.constant, numbers(0, (6, 3), (2, 2, 2, 3)))
_IMAGE, _VECTOR = (4, 4, 2), (6,)


def _fused_batch_norm(x):
    statistics = tf.constant([0.5, 1.5]), tf.constant([0.25, -1.0]), tf.constant([0.1, 0.2]), tf.constant([0.7, 2.0])
    return tf.raw_ops.FusedBatchNormV3(
        x=x, scale=statistics[0], offset=statistics[1], mean=statistics[2], variance=statistics[3], is_training=False
    ).y


_LINEAR = {
    "AddN": (lambda x: tf.add_n([x, 2 * x, tf.ones_like(x)]), _VECTOR),
    "AddV2": (lambda x: x + x[:, ::-1] + 1.0, _VECTOR),
    "AvgPool": (lambda x: tf.nn.avg_pool2d(x, 2, 1, "SAME"), _IMAGE),
    "BatchToSpaceND": (
        lambda x: tf.batch_to_space(tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), [2, 2], [[0, 1], [0, 0]]),
        _IMAGE,
    ),
    "BiasAdd": (lambda x: tf.nn.bias_add(x, tf.constant([1.0, -1.0], x.dtype)), _IMAGE),
    "BroadcastTo": (lambda x: tf.broadcast_to(x[:, None], [tf.shape(x)[0], 2, 6]), _VECTOR),
    "Cast": (lambda x: tf.cast(tf.cast(x, tf.float32), tf.float64), _VECTOR),
    "ConcatV2": (lambda x: tf.concat([x, 3 * x], 1), _VECTOR),
    "Conv2D": (lambda x: tf.nn.conv2d(x, _FILTERS, 1, "SAME"), _IMAGE),
    "Conv2DBackpropInput": (
        lambda x: tf.nn.conv2d_transpose(x, tf.transpose(_FILTERS, [0, 1, 3, 2]), [tf.shape(x)[0], 8, 8, 3], 2),
        _IMAGE,
    ),
    "Cumsum": (lambda x: tf.cumsum(x, 1), _VECTOR),
    "DepthToSpace": (lambda x: tf.nn.depth_to_space(tf.concat([x, x], 3), 2), _IMAGE),
    "DepthwiseConv2dNative": (lambda x: tf.nn.depthwise_conv2d(x, _FILTERS, [1, 1, 1, 1], "SAME"), _IMAGE),
    "Einsum": (lambda x: tf.einsum("bi,ij->bj", x, _MATRIX), _VECTOR),
    "ExpandDims": (lambda x: tf.expand_dims(x, 2), _VECTOR),
    "ExtractImagePatches": (
        lambda x: tf.image.extract_patches(x, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
        _IMAGE,
    ),
    "FusedBatchNormV3": (lambda x: _fused_batch_norm(tf.cast(x, tf.float32)), _IMAGE),
    "GatherNd": (lambda x: tf.gather_nd(x, [[0, 2], [0, 0]]), _VECTOR),
    "GatherV2": (lambda x: tf.gather(x, [3, 0, 0], axis=1), _VECTOR),
    "MatMul": (lambda x: tf.matmul(x, _MATRIX), _VECTOR),
    "MatrixBandPart": (lambda x: tf.linalg.band_part(tf.transpose(x, [0, 3, 1, 2]), 0, -1), _IMAGE),
    "MatrixDiagPartV3": (lambda x: tf.linalg.diag_part(tf.transpose(x, [0, 3, 1, 2])), _IMAGE),
    "MatrixDiagV3": (lambda x: tf.linalg.diag(x), _VECTOR),
    "Mean": (lambda x: tf.reduce_mean(x, [1, 2]), _IMAGE),
    "MirrorPad": (lambda x: tf.pad(x, [[0, 0], [2, 1]], "REFLECT"), _VECTOR),
    "Mul": (lambda x: x * tf.range(6.0, dtype=x.dtype), _VECTOR),
    "Neg": (lambda x: -x, _VECTOR),
    "Pack": (lambda x: tf.stack([x, x], 1), _VECTOR),
    "Pad": (lambda x: tf.pad(x, [[0, 0], [2, 1]]), _VECTOR),
    "PadV2": (lambda x: tf.pad(x, [[0, 0], [2, 1]], constant_values=4.0), _VECTOR),
    "RealDiv": (lambda x: x / 3.0, _VECTOR),
    "Reshape": (lambda x: tf.reshape(x, [-1, 3]), _VECTOR),
    "ResizeBicubic": (lambda x: tf.compat.v1.image.resize_bicubic(tf.cast(x, tf.float32), [7, 7]), _IMAGE),
    "ResizeBilinear": (lambda x: tf.compat.v1.image.resize_bilinear(x, [7, 7]), _IMAGE),
    "ResizeNearestNeighbor": (lambda x: tf.compat.v1.image.resize_nearest_neighbor(x, [7, 7]), _IMAGE),
    "ReverseV2": (lambda x: tf.reverse(x, [1]), _VECTOR),
    "Roll": (lambda x: tf.roll(x, 2, 1), _VECTOR),
    "ScatterNd": (lambda x: tf.scatter_nd([[2], [0]], tf.transpose(x[:, :2]), tf.constant([4, 3])), _VECTOR),
    "SelectV2": (lambda x: tf.where(tf.constant([True, False] * 3), x, 2 * x), _VECTOR),
    "Slice": (lambda x: tf.slice(x, [0, 1], [-1, 2]), _VECTOR),
    "SpaceToBatchND": (lambda x: tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]), _IMAGE),
    "SpaceToDepth": (lambda x: tf.nn.space_to_depth(x, 2), _IMAGE),
    "Split": (lambda x: tf.split(x, 3, 1)[1], _VECTOR),
    "SplitV": (lambda x: tf.split(x, [1, 5], 1)[1], _VECTOR),
    "Squeeze": (lambda x: tf.squeeze(x[:, :1], 1), _VECTOR),
    "StridedSlice": (lambda x: x[:, 1::2], _VECTOR),
    "Sub": (lambda x: x - 2 * x[:, ::-1], _VECTOR),
    "Sum": (lambda x: tf.reduce_sum(x, 1), _VECTOR),
    "TensorScatterAdd": (lambda x: tf.tensor_scatter_nd_add(x, [[0, 1]], x[:1, 0]), _VECTOR),
    "TensorScatterUpdate": (lambda x: tf.tensor_scatter_nd_update(x, [[0, 1]], x[:1, 0]), _VECTOR),
    "Tile": (lambda x: tf.tile(x, [1, 2]), _VECTOR),
    "Transpose": (lambda x: tf.transpose(x, [0, 2, 1, 3]), _IMAGE),
    "Unpack": (lambda x: tf.unstack(x, axis=1)[2], _VECTOR),
    "UnsortedSegmentSum": (lambda x: tf.math.unsorted_segment_sum(tf.transpose(x), [0, 1, 0, 2, 1, 1], 3), _VECTOR),
}


@pytest.mark.parametrize("name", _LINEAR)
def test_linear_ops_are_affine(name):
    function, shape = _LINEAR[name]
    x, y = numbers(2, (3, *shape), (3, *shape))
    both, zero, left, right = (np.asarray(function(tf.constant(at))) for at in (x + y, 0 * x, x, y))
    tolerance = 1e-6 if both.dtype == np.float32 or name == "Cast" else 1e-12
    np.testing.assert_allclose(both + zero, left + right, rtol=0, atol=tolerance * np.abs(both).max())
    found = _found(function, shape)
    assert found[name] is Kind.LINEAR
    assert set(found.values()) == {Kind.LINEAR}


@pytest.mark.parametrize("name", ["AvgPool", "Conv2DBackpropInput", "GatherV2", "MatMul", "PadV2", "Split", "Tile"])
def test_deeplift_sums_at_linear_ops(name):
    function, shape = _LINEAR[name]
    x, x0 = numbers(3, (2, *shape), shape)
    assert_sums(lambda x: tf.reshape(function(x), [tf.shape(x)[0], -1])[:, :5], [x], [x0])


# --- kinds that depend on what is active ------------------------------------------------------------------

_A, _B = (4,), (4,)


@pytest.mark.parametrize(
    ("function", "name", "kind"),
    [
        (lambda a, b: a * b, "Mul", Kind.PRODUCT),
        (lambda a, b: a * 2.0 + b, "Mul", Kind.LINEAR),
        (lambda a, b: a / b, "RealDiv", Kind.QUOTIENT),
        (lambda a, b: a + 1.0 / b, "RealDiv", Kind.QUOTIENT),
        (lambda a, b: a / 2.0 + b, "RealDiv", Kind.LINEAR),
        (lambda a, b: tf.math.divide_no_nan(a, b), "DivNoNan", Kind.QUOTIENT),
        (lambda a, b: tf.matmul(a[:, None], b[:, :, None]), "BatchMatMulV2", Kind.PRODUCT),
        (lambda a, b: tf.einsum("bi,bj->bij", a, b), "Einsum", Kind.PRODUCT),
        (lambda a, b: tf.maximum(a, b), "Maximum", Kind.MAXIMUM),
        (lambda a, b: tf.maximum(a, 0.5) + b, "Maximum", Kind.ACTIVATION),
        (lambda a, b: tf.minimum(tf.constant(0.5, a.dtype), a) + b, "Minimum", Kind.ACTIVATION),
        (lambda a, b: tf.minimum(a, b), "Minimum", Kind.MINIMUM),
        (lambda a, b: tf.reduce_max(a + b, 1), "Max", Kind.MAXIMUM),
        (lambda a, b: tf.reduce_min(a + b, 1), "Min", Kind.MINIMUM),
        (lambda a, b: tf.math.squared_difference(a, b), "SquaredDifference", Kind.SQUARED_DIFFERENCE),
        (lambda a, b: tf.nn.softmax(a + b), "Softmax", Kind.SOFTMAX),
        (lambda a, b: tf.nn.log_softmax(a + b), "LogSoftmax", Kind.LOG_SOFTMAX),
        (lambda a, b: tf.stop_gradient(a) + b, "StopGradient", Kind.STOP_GRADIENT),
        (lambda a, b: tf.pow(a, 2.0) + b, "Pow", Kind.FUNCTION),
        (lambda a, b: tf.pow(a, b), "Pow", Kind.JOINT),
        (
            lambda a, b: tf.raw_ops.ClipByValue(t=a, clip_value_min=b, clip_value_max=b + 1.0),
            "ClipByValue",
            Kind.UNKNOWN,
        ),
        (lambda a, b: tf.where(a > 0, a, b), "SelectV2", Kind.JOINT),
        (lambda a, b: tf.where(a > 0, 1.0, 2.0) + tf.cast(b, tf.float32), "SelectV2", Kind.DISCRETE),
        (lambda a, b: tf.gather(a, tf.argmax(b, 1), axis=1, batch_dims=1), "GatherV2", Kind.DISCRETE),
        (lambda a, b: tf.sort(a + b, 1), "TopKV2", Kind.SECANT),
        (lambda a, b: tf.math.cumprod(a + b, 1), "Cumprod", Kind.SECANT),
        (lambda a, b: tf.math.atan2(a, b), "Atan2", Kind.JOINT),
        (lambda a, b: tf.math.igamma(a, b), "Igamma", Kind.UNKNOWN),
        (lambda a, b: tf.abs(tf.signal.fft(tf.cast(a + b, tf.complex128))), "ComplexAbs", Kind.COMPLEX_ABS),
    ],
)
def test_kind_by_what_is_active(function, name, kind):
    assert _found(function, _A, _B)[name] is kind


def test_batch_normalisation_in_training_is_unknown():
    def training(x):
        one = tf.ones([2])
        return tf.raw_ops.FusedBatchNormV3(x=x, scale=one, offset=one, mean=[], variance=[], is_training=True).y

    assert _found(training, _IMAGE, dtype=tf.float32)["FusedBatchNormV3"] is Kind.UNKNOWN


def test_kinds_are_the_names_that_users_give():
    assert str(Kind.ACTIVATION) == "activation"
    assert {kind.value for kind in kinds.Kind} >= set(map(str, KINDS.values()))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tf.cast(tf.shape(x)[1], x.dtype) * x,
        lambda x: x * tf.cast(tf.size(x[0]), x.dtype),
        lambda x: x * tf.ones_like(x),
        lambda x: x + tf.zeros_like(x),
    ],
)
def test_shapes_carry_no_numbers(function):
    assert set(_found(function, _VECTOR).values()) == {Kind.LINEAR}
