"""Shapes as tensors, in few ops: slicing a shape takes five, and each first call traces all of them."""

from collections.abc import Sequence

import tensorflow as tf


def count_rows(tensor: tf.Tensor) -> tf.Tensor:
    """Returns the length of a tensor's first axis, an int32 scalar."""
    return tf.unstack(tf.shape(tensor))[0]


def shape_with_rows(rows: tf.Tensor, tensor: tf.Tensor) -> tf.Tensor:
    """Returns the shape of `tensor`, int32 `[rank]`, with another length of the first axis."""
    return tf.stack([rows, *tf.unstack(tf.shape(tensor))[1:]])


def sum_rows(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns the sums `[rows]` over all elements of all tensors `[rows, ...]`."""
    return tf.add_n([tf.reduce_sum(tensor, list(range(1, len(tensor.shape)))) for tensor in tensors])


def join_rows(tensors: Sequence[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """Returns the elements of tensors `[rows, ...]` side by side, `[rows, elements]`."""
    rows = count_rows(tensors[0])
    return tf.concat([tf.reshape(tf.cast(tensor, dtype), [rows, tf.size(tensor) // rows]) for tensor in tensors], 1)


def split_rows(joined: tf.Tensor, like: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """Returns the elements of `join_rows` in the shapes of tensors `[rows, ...]`."""
    rows = count_rows(joined)
    parts = tf.split(joined, [tf.size(tensor) // rows for tensor in like], 1, num=len(like))
    return [tf.reshape(part, tf.shape(tensor)) for part, tensor in zip(parts, like, strict=True)]


def broadcast_rows(tensor: tf.Tensor, shape: tf.Tensor, example: tf.Tensor) -> tf.Tensor:
    """Returns a tensor broadcast to a shape, whose static axes are those of `example` but for the rows."""
    broadcast = tf.broadcast_to(tensor, shape)
    broadcast.set_shape([None, *example.shape[1:]])
    return broadcast
