"""Tests of `graph/kinds.py`: what the table says of an op is true of its numbers."""

import numpy as np
import pytest
import tensorflow as tf

import deepexplain_tf as dx
from deepexplain_tf.graph import kinds
from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import BRANCHES, ELEMENTWISE, KINDS, LOOPS, SHAPE_ONLY, Kind


@pytest.mark.parametrize("name", sorted(({*KINDS} | ELEMENTWISE | SHAPE_ONLY) - {GROUP}))
def test_every_name_is_an_op_of_tensorflow(name):
    assert hasattr(tf.raw_ops, name)


def _found(function, *shapes, dtype=tf.float64):
    """The kind of each active op, by op type."""
    signature = [tf.TensorSpec([None, *shape], dtype) for shape in shapes]
    with dx.DeepExplain(function, output="model", input_signature=signature) as de:
        return {op.type: op.kind for op, _ in de.coverage("saliency") if op.type != "Identity"}


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
            Kind.JOINT,
        ),
        (lambda a, b: tf.where(a > 0, a, b), "SelectV2", Kind.JOINT),
        (lambda a, b: tf.raw_ops.Select(condition=a > 0, x=a, y=b), "Select", Kind.JOINT),
        (lambda a, b: tf.linalg.solve(tf.linalg.diag(a), b[:, :, None]), "MatrixSolve", Kind.SOLVE),
        (
            lambda a, b: tf.linalg.solve(tf.eye(4, batch_shape=tf.shape(a)[:1], dtype=a.dtype), (a + b)[:, :, None]),
            "MatrixSolve",
            Kind.LINEAR,
        ),
        (lambda a, b: tf.linalg.svd(tf.linalg.diag(a), compute_uv=False) + b, "Svd", Kind.SECANT),
        (lambda a, b: tf.linalg.svd(tf.linalg.diag(a))[1] + b, "Svd", Kind.UNKNOWN),
        (lambda a, b: tf.where(a > 0, 1.0, 2.0) + tf.cast(b, tf.float32), "SelectV2", Kind.DISCRETE),
        (lambda a, b: tf.gather(a, tf.argmax(b, 1), axis=1, batch_dims=1), "GatherV2", Kind.DISCRETE),
        (lambda a, b: tf.sort(a + b, 1), "TopKV2", Kind.SECANT),
        (lambda a, b: tf.math.cumprod(a + b, 1), "Cumprod", Kind.SECANT),
        (lambda a, b: tf.math.atan2(a, b), "Atan2", Kind.JOINT),
        (lambda a, b: tf.math.igamma(a, b), "Igamma", Kind.JOINT),
        (lambda a, b: tf.abs(tf.signal.fft(tf.cast(a + b, tf.complex128))), "ComplexAbs", Kind.NORM),
    ],
)
def test_kind_by_what_is_active(function, name, kind):
    assert _found(function, _A, _B)[name] is kind


def test_batch_normalisation_in_training_is_unknown():
    def training(x):
        one = tf.ones([2])
        return tf.raw_ops.FusedBatchNormV3(x=x, scale=one, offset=one, mean=[], variance=[], is_training=True).y

    assert _found(training, (4, 4, 2), dtype=tf.float32)["FusedBatchNormV3"] is Kind.UNKNOWN


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
    assert set(_found(function, (6,)).values()) == {Kind.LINEAR}


# What shap's explainer for TensorFlow has handlers for, and those that its users are seen to add by hand.
_SHAP = """
    Add AvgPool BiasAdd Cast ClipByValue ConcatV2 Conv2D Elu Enter Exit Exp ExpandDims FusedBatchNorm GatherV2 Identity
    MatMul Max MaxPool Maximum Mean Merge Minimum Mul NextIteration Pack Pad RandomUniform RealDiv Relu Reshape
    ResourceGather ReverseV2 Rsqrt Shape Sigmoid Softmax Softplus Square SquaredDifference Squeeze StridedSlice Sub Sum
    Switch Tanh TensorArrayReadV3 TensorArrayScatterV3 TensorArrayWriteV3 Tile Transpose Unpack ZerosLike
    AddV2 BatchToSpaceND DepthwiseConv2dNative FusedBatchNormV3 LeakyRelu SpaceToBatchND
"""
# Of these the ops that do the same where loops and branches are functions, and those that depend on no real number.
_NOW = {
    **dict.fromkeys(("Enter", "Exit", "NextIteration"), "While"),
    **dict.fromkeys(("Merge", "Switch"), "If"),
    "TensorArrayReadV3": "TensorListGetItem",
    "TensorArrayScatterV3": "TensorListFromTensor",
    "TensorArrayWriteV3": "TensorListSetItem",
}
_INACTIVE = {"RandomUniform", "ResourceGather"}


def test_what_others_handle_is_handled():
    names = {_NOW.get(name, name) for name in _SHAP.split()} - _INACTIVE
    assert names <= {*KINDS} | SHAPE_ONLY | LOOPS | BRANCHES


def test_a_random_number_is_inactive_and_a_row_of_a_table_a_choice():
    table = tf.Variable(np.ones((3, 2)))

    def looked_up(x):
        return tf.nn.embedding_lookup(table, tf.cast(x, tf.int32))

    assert _found(lambda x: x * tf.random.uniform([4], dtype=x.dtype), (4,)) == {"Mul": Kind.LINEAR}
    assert _found(looked_up, (4,))["ResourceGather"] is Kind.DISCRETE
