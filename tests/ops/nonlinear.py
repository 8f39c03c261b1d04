"""Cases of the ops that are not linear."""

import functools
import inspect

import numpy as np
import tensorflow as tf

from deepexplain_tf.graph.ir import GROUP
from deepexplain_tf.graph.kinds import KINDS, Kind
from tests.ops.case import POSITIVE, REALS, UNIT, Case
from tests.ops.linear import FLOAT32, IMAGE, VECTOR, VOLUME, as_complex, on_columns, turned

R = tf.raw_ops

# --- scalar functions: those of one input by name alone ----------------------------------------------------

_DOMAINS = {
    "Acos": UNIT,
    "Acosh": (1 + 1e-9, np.inf),
    "Asin": UNIT,
    "Atanh": UNIT,
    **dict.fromkeys(("BesselK0", "BesselK0e", "BesselK1", "BesselK1e", "BesselY0", "BesselY1"), (1e-6, np.inf)),
    "Expint": POSITIVE,
    "Digamma": (1e-3, np.inf),
    "Erfinv": UNIT,
    "Inv": POSITIVE,
    "Lgamma": (1e-3, np.inf),
    "Log": POSITIVE,
    "Log1p": (0, np.inf),
    "Ndtri": (1e-9, 1 - 1e-9),
    "Reciprocal": POSITIVE,
    "Rsqrt": POSITIVE,
    "Spence": (0, np.inf),
    "Sqrt": (0, np.inf),
    "Tan": (-1.5, 1.5),
}
_LIMITS = {"input_min": np.float64(-1), "input_max": np.float64(1.5), "range_given": True}
_ARGUMENTS = {
    "ClipByValue": {"clip_value_min": np.float64(-0.5), "clip_value_max": np.float64(0.75)},
    "FakeQuantWithMinMaxVars": {"min": -1.0, "max": 1.5},
    "FakeQuantWithMinMaxVarsPerChannel": {"min": [-1.0] * 6, "max": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]},
    "QuantizeAndDequantizeV2": _LIMITS,
    "QuantizeAndDequantizeV3": {**_LIMITS, "num_bits": 8},
    "QuantizeAndDequantizeV4": _LIMITS,
}


def _scalar(name):
    op = getattr(R, name)
    first = next(iter(inspect.signature(op).parameters))
    single = name.startswith("FakeQuant")

    def function(x):
        return op(**{first: tf.cast(x, tf.float32) if single else x}, **_ARGUMENTS.get(name, {}))

    return Case(function, domains=[_DOMAINS.get(name, REALS)], rtol=FLOAT32 if single else 1e-9)


_PAIR = (VECTOR, VECTOR)
_SCALAR = {
    name: _scalar(name) for name, kind in KINDS.items() if kind in (Kind.ACTIVATION, Kind.FUNCTION) and name != GROUP
}

# --- products: the batch of a second operand without one is folded into its last axis ---------------------


def _own(tensor):
    """Of `[batch, ..., batch * n]`, the products of each example with its own, `[batch, ..., n]`."""
    shape = tf.shape(tensor)
    rows = tf.reshape(tensor, tf.concat([shape[:-1], [shape[0], -1]], 0))
    last = len(tensor.shape)
    order = [last, *range(1, last - 1), 0, last - 1]
    return tf.transpose(tf.linalg.diag_part(tf.transpose(rows, order)), [last - 1, *range(1, last - 1), 0])


def _last(filters):
    """Filters `[batch, ..., in, out]` as those of one convolution with `batch * out` channels."""
    rank = len(filters.shape)
    folded = tf.transpose(filters, [*range(1, rank - 1), 0, rank - 1])
    return tf.reshape(folded, [*filters.shape[1:-1], tf.shape(filters)[0] * filters.shape[-1]])


def _last_inputs(filters):
    """Filters `[batch, ..., in, out]` as those of one transposed convolution with `batch * in` channels."""
    rank = len(filters.shape)
    folded = tf.transpose(filters, [*range(1, rank - 2), 0, rank - 2, rank - 1])
    return tf.reshape(folded, [*filters.shape[1:-2], tf.shape(filters)[0] * filters.shape[-2], filters.shape[-1]])


def _depthwise(x):
    """Images with the batch in the channels, `[1, 4, 4, batch * 2]`."""
    return tf.reshape(tf.transpose(x, [1, 2, 0, 3]), [1, *x.shape[1:3], tf.shape(x)[0] * x.shape[3]])


def _undepthwise(y, rows):
    return tf.transpose(tf.reshape(y, [*y.shape[1:3], rows, -1]), [2, 0, 1, 3])


def _depthwise_filters(f):
    """Filters `[batch, 2, 2, 2, m]` as `[2, 2, batch * 2, m]`."""
    return tf.reshape(tf.transpose(f, [1, 2, 0, 3, 4]), [*f.shape[1:3], tf.shape(f)[0] * f.shape[3], f.shape[4]])


def _transposed(op, size, strides, filters, upstream):
    sizes = tf.concat([tf.shape(upstream)[:1], size, [tf.shape(filters)[0] * filters.shape[-2]]], 0)
    key = "input_sizes"
    return _own(
        op(**{key: sizes}, filter=_last_inputs(filters), out_backprop=upstream, strides=strides, padding="SAME")
    )


def _depthwise_transposed(filters, upstream):
    rows = tf.shape(upstream)[0]
    y = R.DepthwiseConv2dNativeBackpropInput(
        input_sizes=tf.stack([1, 4, 4, rows * 2]),
        filter=_depthwise_filters(filters),
        out_backprop=_depthwise(upstream),
        strides=[1, 1, 1, 1],
        padding="SAME",
    )
    y.set_shape([1, 4, 4, None])
    return _undepthwise(y, rows)


def _depthwise_conv(a, b):
    y = R.DepthwiseConv2dNative(input=_depthwise(a), filter=_depthwise_filters(b), strides=[1, 1, 1, 1], padding="SAME")
    y.set_shape([1, 4, 4, None])
    return _undepthwise(y, tf.shape(a)[0])


def _sparse_product(a, b):
    """Of one example: the 4 entries of a sparse matrix, and the vector that it is multiplied with."""
    rows = tf.cast(tf.shape(a)[1], tf.int64)
    places = tf.stack(tf.meshgrid(tf.range(rows), tf.constant([1, 4, 5, 7], tf.int64), indexing="ij"), -1)
    places = tf.reshape(
        tf.stack([places[..., 0] * 3 + places[..., 1] // 3, places[..., 0] * 3 + places[..., 1] % 3], -1), [-1, 2]
    )
    product = R.SparseTensorDenseMatMul(
        a_indices=places,
        a_values=tf.reshape(turned(a), [-1]),
        a_shape=[rows * 3, rows * 3],
        b=tf.reshape(turned(b), [-1, 1]),
    )
    return turned(tf.reshape(product, [-1, 3]))


_ONES2, _ONES3 = [1, 1, 1, 1], [1, 1, 1, 1, 1]
_FILTER2, _FILTER3 = (2, 2, 2, 3), (2, 2, 2, 2, 3)

_PRODUCT = {
    "Mul": Case(lambda a, b: R.Mul(x=a, y=b), [(3, 6), (1, 6)]),
    "MulNoNan": Case(lambda a, b: R.MulNoNan(x=a, y=b), _PAIR),
    "Cross": Case(lambda a, b: R.Cross(a=a, b=b), [(2, 3), (2, 3)]),
    "MatMul": Case(lambda a, b: tf.linalg.diag_part(R.MatMul(a=a, b=b, transpose_b=True))[:, None], _PAIR),
    "BatchMatMul": Case(lambda a, b: R.BatchMatMul(x=a, y=b, adj_y=True), [(2, 3), (4, 3)]),
    "BatchMatMulV2": Case(lambda a, b: R.BatchMatMulV2(x=a, y=b), [(2, 2, 3), (1, 3, 4)]),
    "BatchMatMulV3": Case(lambda a, b: R.BatchMatMulV3(x=a, y=b, Tout=tf.float64), [(2, 3), (3, 4)]),
    "Einsum": Case(lambda a, b: R.Einsum(inputs=[a, b], equation="bij,bkj->bik"), [(2, 3), (4, 3)]),
    "Conv2D": Case(
        lambda a, b: _own(R.Conv2D(input=a, filter=_last(b), strides=_ONES2, padding="SAME")), [IMAGE, _FILTER2]
    ),
    "Conv3D": Case(
        lambda a, b: _own(R.Conv3D(input=a, filter=_last(b), strides=_ONES3, padding="SAME")), [VOLUME, _FILTER3]
    ),
    "DepthwiseConv2dNative": Case(_depthwise_conv, [IMAGE, (2, 2, 2, 3)]),
    "Conv2DBackpropInput": Case(
        lambda a, b: _transposed(R.Conv2DBackpropInput, [8, 8], [1, 2, 2, 1], a, b), [_FILTER2, (4, 4, 3)]
    ),
    "Conv3DBackpropInputV2": Case(
        lambda a, b: _transposed(R.Conv3DBackpropInputV2, [4, 4, 4], _ONES3, a, b), [_FILTER3, (4, 4, 4, 3)]
    ),
    "SparseMatMul": Case(
        lambda a, b: tf.linalg.diag_part(
            R.SparseMatMul(a=tf.cast(a, tf.float32), b=tf.cast(b, tf.float32), transpose_b=True)
        )[:, None],
        _PAIR,
        rtol=FLOAT32,
    ),
    "SparseTensorDenseMatMul": Case(on_columns(_sparse_product), [(4,), (3,)]),
    "DepthwiseConv2dNativeBackpropInput": Case(_depthwise_transposed, [(2, 2, 2, 1), IMAGE]),
}

# --- all others -------------------------------------------------------------------------------------------

_NOT_ZERO = (1e-3, np.inf)
_STRUCTURE = np.random.default_rng(9).normal(size=(2, 3, 2))


def _segments(op, a):
    ids = {"segment_ids": [0, 0, 0, 1, 1, 2]}
    return op(data=a, **ids, **({"num_segments": 3} if "unsorted" in op.__name__ else {}))


def _projected(op, x):
    transform = [[1.1, 0.1, -0.2, 0.05, 0.9, 0.3, 0.0, 0.01]]
    fill = {"fill_value": 0.5} if "v3" in op.__name__ else {}
    return op(images=x, transforms=transform, output_shape=[4, 5], interpolation="BILINEAR", **fill)


def _scattered(op, a, b):
    return op(tensor=a, indices=[[4], [1], [4]], updates=b[:3])


def _definite(x):
    return tf.matmul(x, x, transpose_b=True) + tf.eye(3, dtype=x.dtype)


def _regular(x):
    """A matrix whose diagonal is larger than the rest."""
    return x + tf.linalg.diag(1 + 3 * tf.reduce_sum(tf.abs(x), -1))


_REST = {
    GROUP: Case(lambda x: x * tf.sigmoid(x)),
    "RealDiv": Case(lambda a, b: R.RealDiv(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "Div": Case(lambda a, b: R.Div(x=a, y=b), [(3, 6), (1, 6)], [REALS, _NOT_ZERO]),
    "DivNoNan": Case(lambda a, b: R.DivNoNan(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "SquaredDifference": Case(lambda a, b: R.SquaredDifference(x=a, y=b), [(3, 6), (1, 6)]),
    "Softmax": Case(lambda x: R.Softmax(logits=x)),
    "LogSoftmax": Case(lambda x: R.LogSoftmax(logits=x)),
    "Max": Case(lambda x: R.Max(input=x, axis=[1]), [(6, 2)]),
    "Min": Case(lambda x: R.Min(input=x, axis=[1], keep_dims=True)),
    "Maximum": Case(lambda a, b: R.Maximum(x=a, y=b), [(3, 6), (1, 6)]),
    "Minimum": Case(lambda a, b: R.Minimum(x=a, y=b), _PAIR),
    "MaxPool": Case(lambda x: R.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=_ONES2, padding="SAME"), [IMAGE]),
    "MaxPoolV2": Case(lambda x: R.MaxPoolV2(input=x, ksize=[1, 2, 2, 1], strides=_ONES2, padding="SAME"), [IMAGE]),
    "MaxPool3D": Case(
        lambda x: R.MaxPool3D(
            input=tf.cast(x, tf.float32), ksize=[1, 2, 2, 2, 1], strides=[1, 2, 1, 1, 1], padding="SAME"
        ),
        [VOLUME],
        rtol=FLOAT32,
    ),
    "MaxPoolWithArgmax": Case(
        lambda x: R.MaxPoolWithArgmax(input=x, ksize=[1, 2, 2, 1], strides=_ONES2, padding="SAME").output, [IMAGE]
    ),
    "Dilation2D": Case(
        lambda x: R.Dilation2D(input=x, filter=_STRUCTURE, strides=_ONES2, rates=_ONES2, padding="SAME"), [IMAGE]
    ),
    **{
        name: Case(on_columns(functools.partial(_segments, getattr(R, name))))
        for name in ("SegmentMax", "SegmentMin", "UnsortedSegmentMax", "UnsortedSegmentMin")
    },
    **{
        name: Case(on_columns(functools.partial(_scattered, getattr(R, name))), _PAIR)
        for name in ("TensorScatterMax", "TensorScatterMin")
    },
    "TopKV2": Case(lambda x: R.TopKV2(input=x, k=3).values),
    "NthElement": Case(lambda x: R.NthElement(input=x, n=2), [(3, 6)]),
    **{
        name: Case(functools.partial(_projected, getattr(R, name)), [IMAGE])
        for name in ("ImageProjectiveTransformV2", "ImageProjectiveTransformV3")
    },
    "RGBToHSV": Case(lambda x: R.RGBToHSV(images=x), [(4, 3)], [(0, 1)]),
    "Prod": Case(lambda x: R.Prod(input=x, axis=[1]), [(3, 2)]),
    "Cumprod": Case(lambda x: R.Cumprod(x=x, axis=1, exclusive=True), [(3, 2)]),
    "CumulativeLogsumexp": Case(lambda x: R.CumulativeLogsumexp(x=x, axis=1), [(3, 2)]),
    "LRN": Case(lambda x: R.LRN(input=tf.cast(x, tf.float32), depth_radius=1), [IMAGE], rtol=FLOAT32),
    "Cholesky": Case(lambda x: R.Cholesky(input=_definite(x)), [(3, 3)]),
    "SelfAdjointEigV2": Case(lambda x: R.SelfAdjointEigV2(input=x + tf.linalg.adjoint(x), compute_v=False).e, [(3, 3)]),
    "Svd": Case(lambda x: R.Svd(input=x, compute_uv=False).s, [(2, 3)]),
    "EuclideanNorm": Case(lambda x: R.EuclideanNorm(input=x, axis=[1]), [(3, 2)]),
    "MatrixInverse": Case(lambda x: R.MatrixInverse(input=_regular(x), adjoint=True), [(3, 3)]),
    "MatrixSolve": Case(lambda a, b: R.MatrixSolve(matrix=_regular(a), rhs=b), [(3, 3), (3, 2)]),
    "MatrixTriangularSolve": Case(
        lambda a, b: R.MatrixTriangularSolve(matrix=_regular(a), rhs=b, lower=False), [(3, 3), (3, 2)]
    ),
    "SoftmaxCrossEntropyWithLogits": Case(
        lambda a, b: tf.concat(
            [e[:, None] if len(e.shape) == 1 else e for e in R.SoftmaxCrossEntropyWithLogits(features=a, labels=b)], 1
        ),
        _PAIR,
    ),
    "SparseSoftmaxCrossEntropyWithLogits": Case(
        lambda a: R.SparseSoftmaxCrossEntropyWithLogits(features=a, labels=tf.fill(tf.shape(a)[:1], 2)).loss
    ),
    "Pow": Case(lambda a, b: R.Pow(x=a, y=b), _PAIR, [POSITIVE, (-3, 3)]),
    "Atan2": Case(lambda a, b: R.Atan2(y=a, x=b), _PAIR),
    "Betainc": Case(lambda a, b, x: R.Betainc(a=a, b=b, x=x), (VECTOR,) * 3, [_NOT_ZERO, _NOT_ZERO, (0, 1)]),
    "FloorDiv": Case(lambda a, b: R.FloorDiv(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "FloorMod": Case(lambda a, b: R.FloorMod(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "TruncateDiv": Case(lambda a, b: R.TruncateDiv(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "Igamma": Case(lambda a, b: R.Igamma(a=a, x=b), _PAIR, [_NOT_ZERO, (0, np.inf)]),
    "Igammac": Case(lambda a, b: R.Igammac(a=a, x=b), _PAIR, [_NOT_ZERO, (0, np.inf)]),
    "NextAfter": Case(lambda a, b: R.NextAfter(x1=a, x2=b), _PAIR),
    "Polygamma": Case(lambda x: R.Polygamma(a=np.float64(2), x=x), domains=[_NOT_ZERO]),
    "Zeta": Case(lambda a, b: R.Zeta(x=a, q=b), _PAIR, [(1.5, 20), (0.1, np.inf)]),
    "Xlogy": Case(lambda a, b: R.Xlogy(x=a, y=b), _PAIR, [REALS, POSITIVE]),
    "Xlog1py": Case(lambda a, b: R.Xlog1py(x=a, y=b), _PAIR, [REALS, (0, np.inf)]),
    "Xdivy": Case(lambda a, b: R.Xdivy(x=a, y=b), _PAIR, [REALS, _NOT_ZERO]),
    "ComplexAbs": Case(lambda x: R.ComplexAbs(x=as_complex(x), Tout=tf.float64)),
    "StopGradient": Case(lambda x: R.StopGradient(input=x)),
    "DeepCopy": Case(lambda x: R.DeepCopy(x=x)),
    "Snapshot": Case(lambda x: R.Snapshot(input=x)),
}

NONLINEAR = {**_SCALAR, **_PRODUCT, **_REST}
