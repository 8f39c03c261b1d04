"""One step of an adaptive path: the features with the smallest gradients move first, near the straight line."""

import tensorflow as tf


def guided_step(
    place: tf.Tensor,
    gradients: tf.Tensor,
    lengths: tf.Tensor,
    alpha: tf.Tensor,
    max_dist: tf.Tensor,
    fraction: tf.Tensor,
) -> tf.Tensor:
    """Returns where the features stand after a step whose end has the L1 distance to x of the straight line at α.

    Each feature stays within `max_dist` of the straight line. First those that fell behind catch up. Then blocks of
    features, the `fraction` with the smallest gradients among those that can still move and all that tie with its last
    one, move as far as they may, one block after the other; the last block moves only as far as the distance needs.

    Args:
      place: where each feature stands between baseline (0) and example (1), `[rows, features]`.
      gradients: the gradient there, `[rows, features]`.
      lengths: |x − x₀|, `[rows, features]`.
      alpha: the end of the step, a scalar in 0 … 1.
      max_dist: a scalar in 0 … 1.
      fraction: a scalar in 0 … 1.
    """
    lowest, highest = tf.maximum(alpha - max_dist, 0), tf.minimum(alpha + max_dist, 1)
    start = tf.maximum(place, lowest)
    needed = tf.reduce_sum(lengths * (alpha - start), 1, keepdims=True)
    movable = (start < highest) & (lengths > 0)
    sizes = tf.where(movable, tf.abs(gradients), tf.constant(float("inf"), place.dtype))
    order = tf.argsort(tf.stop_gradient(sizes), axis=1, stable=True)
    in_order = tf.gather(sizes, order, batch_dims=1)
    room = tf.cumsum(tf.gather(lengths * (highest - start), order, batch_dims=1), axis=1)
    first, last = _last_block(tf.stop_gradient(in_order), tf.stop_gradient(room), tf.stop_gradient(needed), fraction)
    before = tf.where(first > 0, tf.gather(room, tf.maximum(first - 1, 0), batch_dims=1), 0)
    of_block = tf.gather(room, last, batch_dims=1) - before
    part = tf.clip_by_value(tf.math.divide_no_nan(needed - before, of_block), 0, 1)
    smallest, largest = (tf.gather(in_order, rank, batch_dims=1) for rank in (first, last))
    moved = tf.where(sizes < smallest, highest, start + part * (highest - start))
    return tf.where(movable & (sizes <= largest), moved, start)


def _last_block(
    in_order: tf.Tensor, room: tf.Tensor, needed: tf.Tensor, fraction: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the first and the last rank `[rows, 1]` of the block in which the distance is reached.

    Args:
      in_order: the sizes of the gradients, sorted, `[rows, features]`; infinite for what cannot move.
      room: how far the features up to each rank can move together, `[rows, features]`.
      needed: how far they must move, `[rows, 1]`.
      fraction: the fraction of the features in a block.
    """
    rows, count = tf.unstack(tf.shape(in_order))
    size = tf.cast(tf.floor(fraction * tf.cast(count - 1, fraction.dtype)), tf.int32) + 1

    def end_of(first: tf.Tensor) -> tf.Tensor:
        rank = tf.minimum(first + size - 1, count - 1)
        ties = tf.searchsorted(in_order, tf.gather(in_order, rank, batch_dims=1), side="right") - 1
        return tf.clip_by_value(ties, rank, count - 1)

    def unfinished(last: tf.Tensor) -> tf.Tensor:
        return (tf.gather(room, last, batch_dims=1) < needed) & (last < count - 1)

    def following(first: tf.Tensor, last: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        onward = unfinished(last)
        first = tf.where(onward, last + 1, first)
        return first, tf.where(onward, end_of(first), last)

    first = tf.zeros([rows, 1], tf.int32)
    found = tf.while_loop(
        lambda _, last: tf.reduce_any(unfinished(last)),
        following,
        (first, end_of(first)),
        shape_invariants=(tf.TensorShape([None, 1]),) * 2,
        maximum_iterations=count // size + 1,
    )
    return found[0], found[1]
