"""Ops that are emitted as several others, because their own kernels' gradients are wrong somewhere."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf

from deepexplain_tf.graph.ir import Node
from deepexplain_tf.graph.max_pool import POOL_GRADIENT, lengths_of

_LAST = "NDHWC"


def max_pool_3d(node: Node, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Emits MaxPool3D as pooling of pictures and then of their depth, which has the same values.

    Where several numbers of a window are the largest, TensorFlow's own kernel on a CPU passes the whole gradient of
    MaxPool3D to each of them; MaxPool's is passed to one.
    """
    (x,) = inputs
    form = node.attrs["data_format"].s.decode() or _LAST
    lengths, strides = (dict(zip(form, node.attrs[name].list.i, strict=True)) for name in ("ksize", "strides"))
    if form != _LAST:
        x = tf.transpose(x, [form.index(axis) for axis in _LAST])

    def pool(pictures: tf.Tensor, *axes: str) -> tf.Tensor:
        ksize, steps = ([1, *(of.get(axis, 1) for axis in axes), 1] for of in (lengths, strides))
        padding = node.attrs["padding"].s.decode()
        with tf.compat.v1.get_default_graph().gradient_override_map({"MaxPool": POOL_GRADIENT}):
            return tf.raw_ops.MaxPool(input=pictures, ksize=ksize, strides=steps, padding=padding)

    batch, depth, height, width, channels = lengths_of(x)
    pictures = pool(tf.reshape(x, [-1, height, width, channels]), "H", "W")
    _, height, width, _ = lengths_of(pictures)
    columns = pool(tf.reshape(pictures, [batch, depth, height * width, channels]), "D", "HW")
    pooled = tf.reshape(columns, [batch, -1, height, width, channels])
    if form != _LAST:
        pooled = tf.transpose(pooled, [_LAST.index(axis) for axis in form])
    return [tf.ensure_shape(pooled, node.output().shape)]


COMPOSED: Mapping[str, Callable[[Node, Sequence[tf.Tensor]], list[tf.Tensor]]] = {"MaxPool3D": max_pool_3d}
