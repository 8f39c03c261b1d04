"""Cases of the ops that are linear in their active inputs."""

import functools

import numpy as np
import tensorflow as tf

from tests.ops.case import Case

R = tf.raw_ops
HUGE = 1e6
VECTOR, IMAGE, MATRIX, VOLUME = (6,), (4, 4, 2), (3, 3), (4, 4, 4, 2)
FLOAT32 = 1e-5


def turned(tensor: tf.Tensor) -> tf.Tensor:
    """Moves the batch from the first axis to the last, or back."""
    return tf.transpose(tensor)


def on_columns(function):
    """Makes a case's function of one that works along the first axis."""
    return lambda *tensors: turned(function(*map(turned, tensors)))


def channels_first(tensor: tf.Tensor) -> tf.Tensor:
    """Images as a batch of small square matrices, `[batch, 2, 4, 4]`."""
    return tf.transpose(tensor, [0, 3, 1, 2])


def as_complex(tensor: tf.Tensor) -> tf.Tensor:
    """Complex numbers that depend on real ones in both parts."""
    return tf.complex(tensor, tf.reverse(tensor, [-1]) * 0.5)


def parts(tensor: tf.Tensor) -> tf.Tensor:
    """Real and imaginary parts, side by side."""
    return tf.concat([tf.math.real(tensor), 2 * tf.math.imag(tensor)], -1)


def one(function, *shape: int, **settings) -> Case:
    """A case with one input."""
    return Case(function, [shape or VECTOR], huge=HUGE, **settings)


def two(function, *shapes: tuple[int, ...], **settings) -> Case:
    """A case with two inputs."""
    return Case(function, shapes or (VECTOR, VECTOR), huge=HUGE, **settings)


def _diagonal(tensor):
    """Of `[batch, 6, batch, 6]` what belongs to one example."""
    return tf.reduce_sum(tensor, 2)


def _batch_norm(op):
    def function(x):
        scale, offset, mean, variance = ([0.5, 1.5], [0.25, -1.0], [0.1, 0.2], [0.7, 2.0])
        return op(
            x=tf.cast(x, tf.float32), scale=scale, offset=offset, mean=mean, variance=variance, is_training=False
        ).y

    return Case(function, [IMAGE], rtol=FLOAT32)


def _list(tensor):
    """A TensorList of the rows of a tensor."""
    return R.TensorListFromTensor(tensor=tensor, element_shape=_row(tensor))


def _row(tensor):
    return tf.shape(tensor)[1:]


def _stack(handle, like, number):
    return R.TensorListStack(
        input_handle=handle, element_shape=_row(like), element_dtype=like.dtype, num_elements=number
    )


def _push(a, b):
    handle = R.TensorListPushBack(input_handle=_list(a), tensor=b[0])
    return _stack(handle, a, 7)


def _pop(a):
    popped = R.TensorListPopBack(input_handle=_list(a), element_shape=_row(a), element_dtype=a.dtype)
    return tf.concat([_stack(popped.output_handle, a, 5), 2 * popped.tensor[None]], 0)


def _set_item(a, b):
    return _stack(R.TensorListSetItem(input_handle=_list(a), index=2, item=b[0]), a, 6)


def _get_item(a):
    return R.TensorListGetItem(input_handle=_list(a), index=2, element_shape=_row(a), element_dtype=a.dtype)[None]


def _gather_list(a):
    return R.TensorListGather(input_handle=_list(a), indices=[3, 0, 5], element_shape=_row(a), element_dtype=a.dtype)


def _scatter_list(op, **settings):
    def function(a):
        handle = op(tensor=a[:3], indices=[2, 0, 1], element_shape=_row(a), **settings)
        return _stack(handle, a, 3)

    return function


def _scatter_into(a, b):
    handle = R.TensorListScatterIntoExistingList(input_handle=_list(a), tensor=b[:2], indices=[4, 1])
    return _stack(handle, a, 6)


def _split_and_concat(a):
    shape = tf.concat([[-1], _row(a)], 0)
    handle = R.TensorListSplit(tensor=a, element_shape=shape, lengths=tf.constant([2, 1, 3], tf.int64))
    parts = R.TensorListConcatV2(
        input_handle=handle, element_shape=shape, leading_dims=tf.constant([], tf.int64), element_dtype=a.dtype
    )
    return parts.tensor


def _blocks(tensor, count):
    """Puts the blocks that an op has moved into the batch beside each other."""
    rows = tf.reshape(tensor, tf.concat([[count, -1], tf.shape(tensor)[1:]], 0))
    return tf.transpose(rows, [1, 0, 2, 3, 4])


def _sparse_segments(op, a, **settings):
    return op(data=a, indices=[4, 0, 2, 2, 5], segment_ids=[0, 0, 1, 3, 3], **settings)


_FOUR = np.float64(4)
_BANDS = np.array([[2.0, -1.5, 3.0, 1.0], [0.0, 0.5, -1.0, 2.0]])
_DIAGONALS = np.array([[0.5, -1.0, 0.75, 0.0], [3.0, -4.0, 2.5, 5.0], [0.0, 1.0, 0.5, -0.25]])
_INTERLEAVED = [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]
_REPEATED = {"paddings": [[0, 0], [0, 0]]}
_LIST = tf.constant([0, 1, 0, 2, 1, 1])
_SORTED = tf.constant([0, 0, 1, 1, 1, 3])

LINEAR = {
    "BandedTriangularSolve": one(lambda x: R.BandedTriangularSolve(matrix=_BANDS, rhs=x), 4, 2),
    "CropAndResize": one(
        lambda x: R.CropAndResize(
            image=tf.cast(x, tf.float32),
            boxes=tf.tile([[0.1, 0.0, 0.8, 1.2]], [tf.shape(x)[0], 1]),
            box_ind=tf.range(tf.shape(x)[0]),
            crop_size=[3, 5],
        ),
        *IMAGE,
        rtol=FLOAT32,
    ),
    "ExtractVolumePatches": one(
        lambda x: R.ExtractVolumePatches(input=x, ksizes=[1, 2, 2, 2, 1], strides=[1, 2, 1, 2, 1], padding="SAME"),
        *VOLUME,
    ),
    "RaggedTensorToTensor": one(
        on_columns(
            lambda a: R.RaggedTensorToTensor(
                shape=tf.constant([-1, 4, -1]),
                values=a,
                default_value=np.float64(0.5),
                row_partition_tensors=[tf.constant([0, 2, 2, 6], tf.int64)],
                row_partition_types=["ROW_SPLITS"],
            )
        )
    ),
    "ScaleAndTranslate": one(
        lambda x: R.ScaleAndTranslate(
            images=tf.cast(x, tf.float32), size=[7, 3], scale=[1.75, 0.75], translation=[0.0, 0.5]
        ),
        *IMAGE,
        rtol=FLOAT32,
    ),
    **{
        f"SparseSegment{name}": one(on_columns(functools.partial(_sparse_segments, getattr(R, f"SparseSegment{name}"))))
        for name in ("Mean", "SqrtN", "Sum")
    },
    **{
        f"SparseSegment{name}WithNumSegments": one(
            on_columns(
                functools.partial(_sparse_segments, getattr(R, f"SparseSegment{name}WithNumSegments"), num_segments=6)
            )
        )
        for name in ("Mean", "SqrtN", "Sum")
    },
    "TensorStridedSliceUpdate": two(
        lambda a, b: R.TensorStridedSliceUpdate(
            input=a, begin=[0, 1], end=[0, 5], strides=[1, 2], value=b, begin_mask=1, end_mask=1
        ),
        VECTOR,
        (2,),
    ),
    "TridiagonalSolve": one(
        lambda x: R.TridiagonalSolve(diagonals=tf.broadcast_to(_DIAGONALS, [tf.shape(x)[0], 3, 4]), rhs=x), 4, 2
    ),
    "Add": two(lambda a, b: R.Add(x=a, y=b)),
    "AddN": two(lambda a, b: R.AddN(inputs=[a, 2 * b, a])),
    "AddV2": two(lambda a, b: R.AddV2(x=a, y=b), (3, 6), (1, 6)),
    "AvgPool": one(lambda x: R.AvgPool(value=x, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding="SAME"), *IMAGE),
    "AvgPool3D": one(
        lambda x: R.AvgPool3D(
            input=tf.cast(x, tf.float32), ksize=[1, 2, 2, 2, 1], strides=[1, 1, 2, 1, 1], padding="SAME"
        ),
        *VOLUME,
        rtol=FLOAT32,
    ),
    "BatchToSpace": one(
        lambda x: R.BatchToSpace(input=tf.concat([x, 2 * x, 3 * x, 4 * x], 0), crops=[[0, 1], [0, 0]], block_size=2),
        *IMAGE,
    ),
    "BatchToSpaceND": one(
        lambda x: R.BatchToSpaceND(input=tf.concat([x, 2 * x], 0), block_shape=[2], crops=[[1, 0]]), *IMAGE
    ),
    "BiasAdd": two(on_columns(lambda a, b: R.BiasAdd(value=a, bias=b)), VECTOR, ()),
    "BiasAddV1": two(on_columns(lambda a, b: R.BiasAddV1(value=a, bias=b)), VECTOR, ()),
    "BroadcastTo": one(lambda x: R.BroadcastTo(input=x[:, None], shape=[tf.shape(x)[0], 2, 6])),
    "Cast": one(lambda x: R.Cast(x=R.Cast(x=x, DstT=tf.float32), DstT=tf.float64), rtol=FLOAT32),
    "CheckNumerics": one(lambda x: R.CheckNumerics(tensor=x, message="")),
    "Complex": two(lambda a, b: parts(R.Complex(real=a, imag=b, Tout=tf.complex128))),
    "Concat": two(lambda a, b: R.Concat(concat_dim=1, values=[a, 3 * b])),
    "ConcatV2": two(lambda a, b: R.ConcatV2(values=[a, 3 * b], axis=1)),
    "Conj": one(lambda x: parts(R.Conj(input=as_complex(x)))),
    "ConjugateTranspose": one(lambda x: parts(R.ConjugateTranspose(x=as_complex(x), perm=[0, 2, 1])), 3, 2),
    "Cumsum": one(lambda x: R.Cumsum(x=x, axis=1, exclusive=True)),
    "DepthToSpace": one(lambda x: R.DepthToSpace(input=tf.concat([x, 2 * x], 3), block_size=2), *IMAGE),
    "Diag": one(lambda x: _diagonal(R.Diag(diagonal=x))),
    "DiagPart": one(
        lambda x: R.DiagPart(input=tf.linalg.diag(x)[:, :, None] * tf.ones([1, 1, tf.shape(x)[0], 1], x.dtype))
    ),
    "DynamicPartition": one(
        on_columns(lambda a: tf.concat(R.DynamicPartition(data=a, partitions=_LIST, num_partitions=3)[::2], 0))
    ),
    "DynamicStitch": two(on_columns(lambda a, b: R.DynamicStitch(indices=_INTERLEAVED, data=[a, b]))),
    "EnsureShape": one(lambda x: R.EnsureShape(input=x, shape=[None, 6])),
    "ExpandDims": one(lambda x: R.ExpandDims(input=x, axis=1)),
    "ExtractImagePatches": one(
        lambda x: R.ExtractImagePatches(
            images=x, ksizes=[1, 2, 2, 1], strides=[1, 1, 2, 1], rates=[1, 1, 1, 1], padding="SAME"
        ),
        *IMAGE,
    ),
    "FFT": one(lambda x: parts(R.FFT(input=as_complex(x)))),
    "FFT2D": one(lambda x: parts(R.FFT2D(input=as_complex(x))), 3, 4),
    "FFT3D": one(lambda x: parts(R.FFT3D(input=as_complex(x))), 2, 3, 4),
    "FusedBatchNorm": _batch_norm(R.FusedBatchNorm),
    "FusedBatchNormV2": _batch_norm(R.FusedBatchNormV2),
    "FusedBatchNormV3": _batch_norm(R.FusedBatchNormV3),
    "Gather": one(on_columns(lambda a: R.Gather(params=a, indices=[3, 0, 0]))),
    "GatherNd": one(on_columns(lambda a: R.GatherNd(params=a, indices=[[3], [0], [0]]))),
    "GatherV2": one(lambda x: R.GatherV2(params=x, indices=[3, 0, 0], axis=1)),
    "IFFT": one(lambda x: parts(R.IFFT(input=as_complex(x)))),
    "IFFT2D": one(lambda x: parts(R.IFFT2D(input=as_complex(x))), 3, 4),
    "IFFT3D": one(lambda x: parts(R.IFFT3D(input=as_complex(x))), 2, 3, 4),
    "IRFFT": one(lambda x: R.IRFFT(input=as_complex(x), fft_length=[10], Treal=tf.float64)),
    "IRFFT2D": one(lambda x: R.IRFFT2D(input=as_complex(x), fft_length=[3, 6], Treal=tf.float64), 3, 4),
    "Identity": one(lambda x: R.Identity(input=x)),
    "IdentityN": two(lambda a, b: tf.concat(R.IdentityN(input=[a, b]), 1)),
    "Imag": one(lambda x: R.Imag(input=as_complex(x), Tout=tf.float64)),
    "MatrixBandPart": one(lambda x: R.MatrixBandPart(input=x, num_lower=0, num_upper=-1), *MATRIX),
    "MatrixDiag": one(lambda x: R.MatrixDiag(diagonal=x)),
    "MatrixDiagPart": one(lambda x: R.MatrixDiagPart(input=x), *MATRIX),
    "MatrixDiagPartV2": one(lambda x: R.MatrixDiagPartV2(input=x, k=-1, padding_value=_FOUR), *MATRIX),
    "MatrixDiagPartV3": one(lambda x: R.MatrixDiagPartV3(input=x, k=[-1, 1], padding_value=_FOUR), *MATRIX),
    "MatrixDiagV2": one(lambda x: R.MatrixDiagV2(diagonal=x, k=1, num_rows=7, num_cols=7, padding_value=_FOUR)),
    "MatrixDiagV3": one(
        lambda x: R.MatrixDiagV3(diagonal=x, k=[-1, 1], num_rows=6, num_cols=6, padding_value=_FOUR), 3, 6
    ),
    "MatrixSetDiag": two(lambda a, b: R.MatrixSetDiag(input=a, diagonal=b), MATRIX, (3,)),
    "MatrixSetDiagV2": two(lambda a, b: R.MatrixSetDiagV2(input=a, diagonal=b, k=1), MATRIX, (2,)),
    "MatrixSetDiagV3": two(lambda a, b: R.MatrixSetDiagV3(input=a, diagonal=b, k=-1), MATRIX, (2,)),
    "Mean": one(lambda x: R.Mean(input=x, axis=[1, 2]), *IMAGE),
    "MirrorPad": one(lambda x: R.MirrorPad(input=x, paddings=[[0, 0], [2, 1]], mode="REFLECT")),
    "Neg": one(lambda x: R.Neg(x=x)),
    "Pack": two(lambda a, b: R.Pack(values=[a, 2 * b], axis=1)),
    "Pad": one(lambda x: R.Pad(input=x, paddings=[[0, 0], [2, 1]])),
    "PadV2": one(lambda x: R.PadV2(input=x, paddings=[[0, 0], [2, 1]], constant_values=_FOUR)),
    "ParallelDynamicStitch": two(on_columns(lambda a, b: R.ParallelDynamicStitch(indices=_INTERLEAVED, data=[a, b]))),
    "PlaceholderWithDefault": one(lambda x: R.PlaceholderWithDefault(input=x, shape=[None, 6])),
    "RFFT": one(lambda x: parts(R.RFFT(input=x, fft_length=[6], Tcomplex=tf.complex128))),
    "RFFT2D": one(lambda x: parts(R.RFFT2D(input=x, fft_length=[3, 4], Tcomplex=tf.complex128)), 3, 4),
    "Real": one(lambda x: R.Real(input=as_complex(x), Tout=tf.float64)),
    "Reshape": one(lambda x: R.Reshape(tensor=x, shape=[-1, 2, 3])),
    "ResizeBicubic": one(lambda x: R.ResizeBicubic(images=tf.cast(x, tf.float32), size=[7, 7]), *IMAGE, rtol=FLOAT32),
    "ResizeBilinear": one(lambda x: R.ResizeBilinear(images=tf.cast(x, tf.float32), size=[7, 7]), *IMAGE, rtol=FLOAT32),
    "ResizeNearestNeighbor": one(lambda x: R.ResizeNearestNeighbor(images=x, size=[7, 3]), *IMAGE),
    "Reverse": one(lambda x: R.Reverse(tensor=x, dims=[False, True])),
    "ReverseSequence": one(
        on_columns(lambda a: R.ReverseSequence(input=a, seq_lengths=[1, 2], seq_dim=1, batch_dim=0)), 3, 2
    ),
    "ReverseV2": one(lambda x: R.ReverseV2(tensor=x, axis=[1])),
    "Roll": one(lambda x: R.Roll(input=x, shift=[2], axis=[1])),
    "ScatterNd": one(on_columns(lambda a: R.ScatterNd(indices=_LIST[:, None], updates=a, shape=[4, tf.shape(a)[1]]))),
    "SegmentMean": one(on_columns(lambda a: R.SegmentMean(data=a, segment_ids=_SORTED))),
    "SegmentSum": one(on_columns(lambda a: R.SegmentSum(data=a, segment_ids=_SORTED))),
    "Select": two(lambda a, b: R.Select(condition=tf.tile([[True, False] * 3], [tf.shape(a)[0], 1]), x=a, y=b)),
    "SelectV2": two(lambda a, b: R.SelectV2(condition=[True, False] * 3, t=a, e=b), VECTOR, (1,)),
    "Slice": one(lambda x: R.Slice(input=x, begin=[0, 1], size=[-1, 2])),
    "SpaceToBatch": one(lambda x: _blocks(R.SpaceToBatch(input=x, block_size=2, **_REPEATED), 4), *IMAGE),
    "SpaceToBatchND": one(
        lambda x: _blocks(R.SpaceToBatchND(input=x, block_shape=[2, 2], paddings=[[1, 1], [0, 0]]), 4), *IMAGE
    ),
    "SpaceToDepth": one(lambda x: R.SpaceToDepth(input=x, block_size=2), *IMAGE),
    "Split": one(lambda x: R.Split(axis=1, value=x, num_split=3)[1]),
    "SplitV": one(lambda x: R.SplitV(value=x, size_splits=[1, 5], axis=1, num_split=2)[1]),
    "Squeeze": one(lambda x: R.Squeeze(input=x, axis=[2]), 6, 1),
    "StridedSlice": one(lambda x: x[:, ::-2]),
    "Sub": two(lambda a, b: R.Sub(x=a, y=b)),
    "Sum": one(lambda x: R.Sum(input=x, axis=[1]), 3, 2),
    "TensorListConcatV2": one(on_columns(_split_and_concat)),
    "TensorListFromTensor": one(on_columns(lambda a: _stack(_list(a), a, 6))),
    "TensorListGather": one(on_columns(_gather_list)),
    "TensorListGetItem": one(on_columns(_get_item)),
    "TensorListPopBack": one(on_columns(_pop)),
    "TensorListPushBack": two(on_columns(_push)),
    "TensorListResize": one(on_columns(lambda a: _stack(R.TensorListResize(input_handle=_list(a), size=4), a, 4))),
    "TensorListScatter": one(on_columns(_scatter_list(R.TensorListScatter))),
    "TensorListScatterIntoExistingList": two(on_columns(_scatter_into)),
    "TensorListScatterV2": one(on_columns(_scatter_list(R.TensorListScatterV2, num_elements=3))),
    "TensorListSetItem": two(on_columns(_set_item)),
    "TensorListSplit": one(on_columns(_split_and_concat)),
    "TensorListStack": one(on_columns(lambda a: _stack(_list(a), a, 6))),
    "TensorScatterAdd": two(on_columns(lambda a, b: R.TensorScatterAdd(tensor=a, indices=_LIST[:, None], updates=b))),
    "TensorScatterSub": two(on_columns(lambda a, b: R.TensorScatterSub(tensor=a, indices=_LIST[:, None], updates=b))),
    "TensorScatterUpdate": two(
        on_columns(lambda a, b: R.TensorScatterUpdate(tensor=a, indices=[[4], [1]], updates=b[:2]))
    ),
    "Tile": one(lambda x: R.Tile(input=x, multiples=[1, 2])),
    "Transpose": one(lambda x: R.Transpose(x=x, perm=[0, 2, 1, 3]), *IMAGE),
    "Unpack": one(lambda x: R.Unpack(value=x, num=6, axis=1)[2]),
    "UnsortedSegmentSum": one(on_columns(lambda a: R.UnsortedSegmentSum(data=a, segment_ids=_LIST, num_segments=4))),
}
