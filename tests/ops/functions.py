"""Functions of `keras.ops` and `tf.nn` as functions of one batch, side by side in groups of one input shape.

Those that came with a later release than the one installed are left out.
"""

import keras
from keras import ops as K
import numpy as np
import tensorflow as tf
from tensorflow import nn

_GENERATOR = np.random.default_rng(4)
_FILTERS1, _FILTERS, _MATRIX, _ROW = (_GENERATOR.normal(size=s) for s in ((3, 2, 3), (2, 2, 2, 3), (6, 5), (6,)))
_POINT = _GENERATOR.normal(size=(1, 1, 6, 2))
_AFFINE = np.array([[1.1, 0.1, -0.2, 0.05, 0.9, 0.3, 0.0, 0.0]])
_CORNERS = np.array([[[0, 0], [5, 0], [0, 5], [5, 5.0]], [[0, 1], [4, 0], [0, 5], [5, 4.0]]])
_SEGMENTS = tf.constant([0, 0, 1, 1, 1, 2])
_BOXES = {"top_cropping": 1, "left_cropping": 1, "target_height": 3, "target_width": 3}

# Functions of which one vector of each example is the only argument, those that take an axis, and those of two.
_ALONE = """
    abs absolute arccos arcsin arcsinh arctan arctanh cbrt ceil celu conj conjugate copy cos cosh deg2rad elu erf erfc
    erfinv exp expm1 fabs fliplr floor gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh i0 leaky_relu
    layer_normalization log log10 log1p log2 log_sigmoid log_softmax nan_to_num negative normalize rad2deg real
    reciprocal relu relu6 rms_normalization round rsqrt selu sigmoid silu sign sin sinc sinh soft_shrink softmax
    softplus softsign sparse_plus sparse_sigmoid sparsemax sqrt square squareplus stop_gradient swish tan tanh
    tanh_shrink trunc
"""
_AXIS = """
    amax amin average cumprod cumsum diff flip logsumexp max mean median min nancumprod nancumsum nanmax nanmin nanprod
    nansum norm prod ptp sort std sum trapezoid var
"""
_PAIRED = """
    add arctan2 divide divide_no_nan floor_divide fmax fmin fmod heaviside hypot logaddexp logaddexp2 maximum minimum
    mod multiply nextafter power subtract true_divide
"""
_NN = "crelu elu gelu leaky_relu log_softmax relu relu6 selu sigmoid silu softmax softplus softsign swish tanh"


def _installed(functions):
    """Returns what the installed libraries have of a group by name; a name with a space may tell a use of one."""
    return {name: function for name, function in functions.items() if is_installed(name) and name not in FAULTY}


def is_installed(name):
    """Whether the installed Keras or TensorFlow has the function of a name."""
    prefix, _, function = name.partition(" by ")[0].rpartition(".")
    return " " in function or hasattr({"": K, "image": K.image, "nn": nn}[prefix], function)


# What Keras before a release cannot compute itself: it cannot be traced, or mixes dtypes in float64.
_MENDED = {
    **dict.fromkeys(("ifft2", "solve", "tril", "triu"), (3, 9)),
    "image.gaussian_blur": (3, 12),
    "associative_scan": (3, 14),
}
_KERAS = tuple(map(int, keras.__version__.split(".")[:2]))
FAULTY = {name for name, release in _MENDED.items() if is_installed(name) and release > _KERAS}


def _columns(function):
    """Makes a function of vectors of one that works along the first axis."""
    return lambda x: tf.transpose(function(tf.transpose(x)))


def _rows(function):
    """Makes a function of the batch of one that knows of none."""
    return lambda x: tf.vectorized_map(function, x)


def _each(function):
    """Makes a function of the batch of one that knows of none, by a loop."""
    return lambda x: tf.map_fn(function, x)


def _definite(x):
    return K.matmul(x, K.transpose(x, (0, 2, 1))) + tf.eye(3, dtype=x.dtype)


def _labels(x):
    return tf.fill(tf.shape(x)[:1], 2)


_VECTORS = {
    **{name: getattr(K, name, None) for name in _ALONE.split()},
    **{name: lambda x, name=name: getattr(K, name)(x, axis=1) for name in _AXIS.split()},
    **{name: lambda x, name=name: getattr(K, name)(x, x[:, ::-1]) for name in _PAIRED.split()},
    "append": lambda x: K.append(x, 2 * x, axis=1),
    "broadcast_to": lambda x: K.broadcast_to(x[:, None], (tf.shape(x)[0], 2, 6)),
    "arccosh": lambda x: K.arccosh(x + 1),
    "array_split": lambda x: K.array_split(x, 3, axis=1)[1],
    "associative_scan": lambda x: K.associative_scan(lambda a, b: a * b + 1, x, axis=1),
    "binary_crossentropy": lambda x: K.binary_crossentropy(tf.ones_like(x) * 0.3, x),
    "categorical_crossentropy": lambda x: K.categorical_crossentropy(tf.ones_like(x) / 6, x),
    "clip": lambda x: K.clip(x, 0.4, 0.6),
    "concatenate": lambda x: K.concatenate([x, x], 1),
    "cond": lambda x: K.cond(True, lambda: x * x, lambda: x),
    "correlate": _each(lambda r: K.correlate(r, r[:3])),
    "diag": _rows(K.diag),
    "diagflat": _rows(K.diagflat),
    "dot": lambda x: K.dot(x, _MATRIX),
    "dstack": lambda x: K.dstack([x, x * x]),
    "einsum": lambda x: K.einsum("bi,bj->bij", x, x),
    "expand_dims": lambda x: K.expand_dims(x, 1),
    "extract_sequences": lambda x: K.extract_sequences(x, 3, 1),
    "fft": lambda x: K.fft((x, x * x))[1],
    "flipud": _columns(lambda x: K.flipud(x)),
    "fori_loop": lambda x: K.fori_loop(0, 3, lambda i, c: c * c + x, x),
    "get_item": lambda x: K.get_item(x, (slice(None), 1)),
    "hsplit": lambda x: K.hsplit(x, 2)[0],
    "hstack": lambda x: K.hstack([x, x]),
    "imag": lambda x: K.imag(tf.complex(x, x * x)),
    "inner": lambda x: K.inner(x, _MATRIX.T),
    "irfft": lambda x: K.irfft((x, x * x)),
    "ldexp": lambda x: K.ldexp(x, 2),
    "linspace": lambda x: K.linspace(x, x * x, 4, axis=1),
    "logspace": lambda x: K.logspace(x, x * x, 4, axis=1),
    "map": lambda x: K.map(lambda r: r * r, x),
    "meshgrid": _rows(lambda r: K.meshgrid(r, r)[0] ** 2),
    "moments": lambda x: tf.concat(K.moments(x, [1], keepdims=True), 1),
    "outer": _rows(lambda r: K.outer(r, r)),
    "pad": lambda x: K.pad(x, ((0, 0), (1, 2)), "reflect"),
    "percentile": lambda x: K.percentile(x, 30, axis=1),
    "polar": lambda x: K.real(K.polar(x, x)),
    "psnr": _each(lambda r: K.psnr(r, r * r, 1.0)),
    "quantile": lambda x: K.quantile(x, 0.3, axis=1),
    "repeat": lambda x: K.repeat(x, 2, axis=1),
    "reshape": lambda x: K.reshape(x, (-1, 2, 3)),
    "rfft": lambda x: K.rfft(x)[1],
    "roll": lambda x: K.roll(x, 2, axis=1),
    "scan": _columns(lambda x: K.scan(lambda c, a: (c * 0.5 + a * a, c + a), tf.zeros_like(x[0]), x)[1]),
    "scatter_update": _columns(lambda x: K.scatter_update(x, [[0], [2]], x[3:5])),
    **{
        f"segment_{name}": _columns(lambda x, name=name: getattr(K, f"segment_{name}")(x, _SEGMENTS, 3))
        for name in ("max", "min", "sum")
    },
    "select": lambda x: K.select([_ROW > 0.5, _ROW < 0.0], [x, 2 * x], x * x),
    "sparse_categorical_crossentropy": lambda x: K.sparse_categorical_crossentropy(_labels(x), x, from_logits=True),
    "split": lambda x: K.split(x, 2, axis=1)[0],
    "squeeze": lambda x: K.squeeze(x[:, None], 1),
    "stack": lambda x: K.stack([x, x], 1),
    "stft": lambda x: K.stft(x, 4, 2, 4)[0],
    "istft": lambda x: K.istft(K.stft(x, 4, 2, 4), 4, 2, 4),
    "switch": lambda x: K.switch(1, [lambda a: a, lambda a: a * a], x),
    "take": lambda x: K.take(x, [1, 0], axis=1),
    "take_along_axis": lambda x: K.take_along_axis(x, tf.zeros_like(x, tf.int32), axis=1),
    "tensordot": lambda x: K.tensordot(x, _MATRIX, 1),
    "threshold": lambda x: K.threshold(x, 0.5, 0.1),
    "tile": lambda x: K.tile(x, (1, 2)),
    "top_k": lambda x: K.top_k(x, 2)[0],
    "unstack": lambda x: K.unstack(x, axis=1)[0],
    "vander": _rows(lambda r: K.vander(r)),
    "vdot": _each(lambda r: K.vdot(r, r)),
    "vectorized_map": lambda x: K.vectorized_map(lambda r: r * K.sum(r), x),
    "view_as_real": lambda x: K.view_as_real(tf.complex(x, x)),
    "vsplit": _columns(lambda x: K.vsplit(x, 2)[0]),
    "vstack": _columns(lambda x: K.vstack([x, x])),
    "where": lambda x: K.where(x > 0.5, x, x * x),
    "while_loop": lambda x: K.while_loop(lambda i, c: i < 3, lambda i, c: (i + 1, c * x), (0, x))[1],
    **{f"nn.{name}": getattr(nn, name) for name in _NN.split()},
    "nn.embedding_lookup": _columns(lambda x: nn.embedding_lookup(x, [1, 3])),
    "nn.l2_normalize": lambda x: nn.l2_normalize(x, 1),
    "nn.log_poisson_loss": lambda x: nn.log_poisson_loss(x, x * 2, True),
    "nn.moments": lambda x: tf.stack(nn.moments(x, [1]), 1),
    "nn.sigmoid_cross_entropy_with_logits": lambda x: nn.sigmoid_cross_entropy_with_logits(x, x * 2),
    "nn.softmax_cross_entropy_with_logits": lambda x: nn.softmax_cross_entropy_with_logits(x, x * 2),
    "nn.sparse_softmax_cross_entropy_with_logits": lambda x: nn.sparse_softmax_cross_entropy_with_logits(_labels(x), x),
    "nn.top_k": lambda x: nn.top_k(x, 2)[0],
    "nn.weighted_cross_entropy_with_logits": lambda x: nn.weighted_cross_entropy_with_logits(x, x * 2, 0.3),
    "nn.weighted_moments": lambda x: tf.stack(nn.weighted_moments(x, [1], x * x), 1),
}
_MATRICES = {
    **{name: getattr(K, name) for name in ("inv", "tril", "triu")},
    "cdist": lambda x: K.cdist(x, x * 2 + 1),
    "cholesky": lambda x: K.cholesky(_definite(x)),
    "cholesky_inverse": lambda x: K.cholesky_inverse(K.cholesky(_definite(x))),
    "cross": lambda x: K.cross(x, x[:, ::-1] + _ROW[:3]),
    "diagonal": lambda x: K.diagonal(x, axis1=1, axis2=2),
    "dot_product_attention": lambda x: K.dot_product_attention(x[..., None], x[..., None] * 2, x[..., None] + 1),
    "dsplit": lambda x: K.dsplit(x, 3)[1],
    "fft2": lambda x: K.fft2((x, x * x))[1],
    "ifft2": lambda x: K.ifft2((x, x * x))[1],
    "logdet": lambda x: K.logdet(_definite(x)),
    "matmul": lambda x: K.matmul(x, x),
    "moveaxis": lambda x: K.moveaxis(x, 1, 2),
    "ravel": _rows(K.ravel),
    "rearrange": lambda x: K.rearrange(x, "b i j->b j i"),
    "rot90": lambda x: K.rot90(x, axes=(1, 2)),
    "solve": lambda x: K.solve(_definite(x), x),
    "solve_triangular": lambda x: K.solve_triangular(_definite(x), x),
    "svd": lambda x: K.svd(x, compute_uv=False),
    "swapaxes": lambda x: K.swapaxes(x, 1, 2),
    "trace": lambda x: K.trace(x, axis1=1, axis2=2),
    "transpose": lambda x: K.transpose(x, (0, 2, 1)),
}
_IMAGES = {
    "adaptive_average_pool": lambda x: K.adaptive_average_pool(x, 4),
    "adaptive_max_pool": lambda x: K.adaptive_max_pool(x, 4),
    "average_pool": lambda x: K.average_pool(x, 2),
    "batch_normalization": lambda x: K.batch_normalization(x, np.array([0.1, 0.2]), np.array([0.5, 2.0]), -1),
    "conv": lambda x: K.conv(x, _FILTERS),
    "conv_transpose": lambda x: K.conv_transpose(x, np.swapaxes(_FILTERS, 2, 3), 2),
    "depth_to_space": lambda x: K.depth_to_space(tf.concat([x, x], -1), 2),
    "depthwise_conv": lambda x: K.depthwise_conv(x, _FILTERS),
    "max_pool": lambda x: K.max_pool(x, 2),
    "separable_conv": lambda x: K.separable_conv(x, _FILTERS, _POINT),
    "space_to_depth": lambda x: K.space_to_depth(x, 2),
    "image.affine_transform": lambda x: K.image.affine_transform(x, tf.tile(_AFFINE, [tf.shape(x)[0], 1])),
    "image.crop_images": lambda x: K.image.crop_images(x, **_BOXES),
    "image.extract_patches": lambda x: K.image.extract_patches(x, 2),
    "image.gaussian_blur": lambda x: K.image.gaussian_blur(x),
    "image.map_coordinates": _each(lambda r: K.image.map_coordinates(r[..., 0], np.array([[0.5, 1.2], [0.3, 2]]), 1)),
    "image.pad_images": lambda x: K.image.pad_images(x, 1, 1, 1, 1),
    "image.perspective_transform": lambda x: K.image.perspective_transform(
        x, *(tf.tile(corners[None], [tf.shape(x)[0], 1, 1]) for corners in _CORNERS)
    ),
    "image.sobel_edges": lambda x: K.image.sobel_edges(x),
    "image.ssim": lambda x: K.image.ssim(x, x * x, 1.0, filter_size=3),
    "nn.atrous_conv2d": lambda x: nn.atrous_conv2d(x, _FILTERS, 2, "SAME"),
    "nn.avg_pool": lambda x: nn.avg_pool(x, 2, 1, "SAME"),
    "nn.avg_pool1d": lambda x: nn.avg_pool1d(x[:, 0], 2, 1, "SAME"),
    "nn.avg_pool2d": lambda x: nn.avg_pool2d(x, 2, 1, "SAME"),
    "nn.batch_normalization": lambda x: nn.batch_normalization(x, 0.1, 2.0, 0.3, 0.5, 0.001),
    "nn.bias_add": lambda x: nn.bias_add(x, [1.0, 2.0]),
    "nn.conv1d": lambda x: nn.conv1d(x[:, 0], _FILTERS1, 1, "SAME"),
    "nn.conv1d_transpose": lambda x: nn.conv1d_transpose(
        x[:, 0], np.swapaxes(_FILTERS1, 1, 2), [tf.shape(x)[0], 12, 3], 2
    ),
    "nn.conv2d": lambda x: nn.conv2d(x, _FILTERS, 1, "SAME"),
    "nn.conv2d_transpose": lambda x: nn.conv2d_transpose(
        x, np.swapaxes(_FILTERS, 2, 3), [tf.shape(x)[0], 12, 12, 3], 2
    ),
    "nn.conv3d": lambda x: nn.conv3d(x[:, None], _FILTERS[None], [1] * 5, "SAME"),
    "nn.conv3d_transpose": lambda x: nn.conv3d_transpose(
        x[:, None], np.swapaxes(_FILTERS, 2, 3)[None], [tf.shape(x)[0], 1, 6, 6, 3], 1
    ),
    "nn.convolution": lambda x: nn.convolution(x, _FILTERS, dilations=2, padding="SAME"),
    "nn.depth_to_space": lambda x: nn.depth_to_space(tf.concat([x, x], 3), 2),
    "nn.depthwise_conv2d": lambda x: nn.depthwise_conv2d(x, _FILTERS, [1] * 4, "SAME"),
    "nn.dilation2d": lambda x: nn.dilation2d(x, _FILTERS[..., 0], [1] * 4, "SAME", "NHWC", [1] * 4),
    "nn.erosion2d": lambda x: nn.erosion2d(x, _FILTERS[..., 0], [1] * 4, "SAME", "NHWC", [1] * 4),
    "nn.max_pool": lambda x: nn.max_pool(x, 2, 1, "SAME"),
    "nn.max_pool1d": lambda x: nn.max_pool1d(x[:, 0], 2, 1, "SAME"),
    "nn.max_pool2d": lambda x: nn.max_pool2d(x, 2, 1, "SAME"),
    "nn.max_pool_with_argmax": lambda x: nn.max_pool_with_argmax(x, 2, 1, "SAME")[0],
    "nn.pool": lambda x: nn.pool(x, [2, 2], "MAX"),
    "nn.separable_conv2d": lambda x: nn.separable_conv2d(x, _FILTERS, _POINT, [1] * 4, "SAME"),
    "nn.space_to_depth": lambda x: nn.space_to_depth(x, 2),
}
_SINGLE = {
    "cast": lambda x: K.cast(x, "float32"),
    "exp2": lambda x: K.exp2(x),
    "saturate_cast": lambda x: K.saturate_cast(x, "float32"),
    "image.extract_patches_3d": lambda x: K.image.extract_patches_3d(x[:, None], (1, 2, 2)),
    "image.resize": lambda x: K.image.resize(x, (4, 9)),
    "image.resize by bicubic": lambda x: K.image.resize(x, (4, 9), "bicubic"),
    "image.resize by lanczos3": lambda x: K.image.resize(x, (4, 9), "lanczos3"),
    "image.resize by nearest": lambda x: K.image.resize(x, (4, 9), "nearest"),
    "image.scale_and_translate": lambda x: K.image.scale_and_translate(
        x,
        (len(GROUPS["in single precision"][0]), 4, 9, 2),
        tf.constant([0.7, 1.5]),
        tf.constant([0.0, 0.5]),
        (1, 2),
        "linear",
    ),
    "view_as_complex": lambda x: tf.abs(K.view_as_complex(x)),
    "nn.avg_pool3d": lambda x: nn.avg_pool3d(x[:, None], 2, 1, "SAME"),
    "nn.local_response_normalization": lambda x: nn.local_response_normalization(x, 1),
    "nn.max_pool3d": lambda x: nn.max_pool3d(x[:, None], 2, 1, "SAME"),
}
_COLOURS = {f"image.{name}": getattr(K.image, name, None) for name in ("rgb_to_grayscale", "rgb_to_hsv")}
GROUPS = {
    "vectors": (_installed(_VECTORS), (6,)),
    "matrices": (_installed(_MATRICES), (3, 3)),
    "images": (_installed(_IMAGES), (6, 6, 2)),
    "colours": (_installed(_COLOURS), (2, 2, 3)),
    "in single precision": (_installed(_SINGLE), (6, 6, 2)),
}
# What has no rule, with the op that says so, on matrices `[batch, 3, 3]` or images.
_REFUSED = {
    "angle": (lambda x: K.angle(tf.complex(x, x * x)), "Angle"),
    "det": (lambda x: K.det(x), "MatrixDeterminant"),
    "eig": (lambda x: K.real(K.eig(x)[0]), "Eig"),
    "eigh": (lambda x: K.eigh(_definite(x))[0], "SelfAdjointEigV2"),
    "nanmean": (lambda x: K.nanmean(x, axis=1), "condition"),
    "nanstd": (lambda x: K.nanstd(x, axis=1), "condition"),
    "nanvar": (lambda x: K.nanvar(x, axis=1), "condition"),
    "pinv": (lambda x: K.pinv(x), "Svd"),
    "qr": (lambda x: K.qr(x)[1], "Qr"),
    "slogdet": (lambda x: K.slogdet(x)[1], "LogMatrixDeterminant"),
    "slice_update": (lambda x: K.slice_update(x, (0, 0, 1), x[:, :, :1]), "XlaDynamicUpdateSlice"),
    "segment_prod": (_columns(lambda x: K.segment_prod(x[:, :3], _SEGMENTS[:3], 3)), "SegmentProd"),
    "image.hsv_to_rgb": (lambda x: K.image.hsv_to_rgb(x[..., None, :]), "HSVToRGB"),
    "nn.fractional_avg_pool": (
        lambda x: nn.fractional_avg_pool(x[..., None], [1, 1.4, 1.4, 1])[0],
        "FractionalAvgPool",
    ),
    "nn.fractional_max_pool": (
        lambda x: nn.fractional_max_pool(x[..., None], [1, 1.4, 1.4, 1])[0],
        "FractionalMaxPool",
    ),
    "nn.isotonic_regression": (lambda x: nn.isotonic_regression(x[:, 0])[0], "IsotonicRegression"),
    "nn.l2_loss": (_each(nn.l2_loss), "L2Loss"),
    "an index that is chosen": (lambda x: K.take_along_axis(x, K.argmax(x, 1)[:, None], 1), "index or condition"),
}
REFUSED = _installed(_REFUSED)

# Those that give or take no real numbers, or nothing that depends on them.
NO_NUMBERS = """
    all allclose any arange argmax argmin argpartition argsort array bartlett bincount bitwise_and bitwise_invert
    bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman convert_to_numpy
    convert_to_tensor count_nonzero ctc_decode custom_gradient digitize dtype empty empty_like equal eye full full_like
    gcd greater greater_equal hamming hanning histogram identity in_top_k is_tensor isclose isfinite isin isinf isnan
    isneginf isposinf isreal jvp kaiser lcm left_shift less less_equal logical_and logical_not logical_or logical_xor
    matrix_rank multi_hot nanargmax nanargmin ndim nonzero not_equal one_hot ones ones_like right_shift searchsorted
    shape signbit size tri unique unravel_index view zeros zeros_like
    nn.all_candidate_sampler nn.collapse_repeated nn.compute_accidental_hits nn.ctc_beam_search_decoder
    nn.ctc_greedy_decoder nn.ctc_unique_labels nn.fixed_unigram_candidate_sampler nn.in_top_k
    nn.learned_unigram_candidate_sampler nn.zero_fraction
"""
# Those that are random, mix the examples of a batch, or cannot be traced with an open batch or be run on a CPU.
NOT_TRIED = """
    corrcoef ctc_loss fold geomspace kron lstsq lu_factor nanmedian nanpercentile nanquantile scatter slice unfold
    vectorize image.elastic_transform nn.approx_max_k nn.approx_min_k nn.atrous_conv2d_transpose
    nn.batch_norm_with_global_normalization nn.compute_average_loss nn.conv_transpose nn.ctc_loss
    nn.depthwise_conv2d_backprop_filter nn.depthwise_conv2d_backprop_input nn.dropout nn.embedding_lookup_sparse nn.lrn
    nn.nce_loss nn.normalize_moments nn.safe_embedding_lookup_sparse nn.sampled_softmax_loss
    nn.scale_regularization_loss nn.space_to_batch nn.sufficient_statistics nn.with_space_to_batch
"""
