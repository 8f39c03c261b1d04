"""Smooth random masks: coarse grids of cells that are kept or not, interpolated to the resolution of an input."""

from collections.abc import Mapping, Sequence
import dataclasses

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Grids:
    """The random grids of one explained tensor, one for each mask, as RISE makes them.

    Along an axis of length L with s < L cells, a grid is interpolated to (s + 1)·⌈L/s⌉ positions, of which L are taken,
    from a random shift below ⌈L/s⌉ on. With s = L each position is a cell, with s = 1 they all are one.

    Attributes:
      kept: booleans `[masks, cells, …]`, an axis of cells for each axis of the tensor but the batch.
      shifts: int32 `[masks, axes]`.
      scales: `[axes]`, cells per position.
      lengths: the tensor's length along each axis.
      dtype: that of the masks.
    """

    kept: tf.Tensor
    shifts: tf.Tensor
    scales: tf.Tensor
    lengths: Sequence[tf.Tensor]
    dtype: tf.DType

    @property
    def shape(self) -> list[tf.Tensor]:
        """The lengths of a mask's axes: 1 for an axis of one cell, else that of the tensor."""
        counts = tf.unstack(tf.shape(self.kept))[1:]
        return [tf.where(count == 1, 1, length) for count, length in zip(counts, self.lengths, strict=True)]

    def masks(self, index: tf.Tensor) -> tf.Tensor:
        """Returns the masks `index` `[rows]`, numbers in 0 … 1 `[rows, *shape]`."""
        rows = tf.size(index)
        mask, shifts = tf.cast(tf.gather(self.kept, index), self.dtype), tf.gather(self.shifts, index)
        for axis, length in enumerate(self.shape):  # the first axis is interpolated, and comes last
            n_cells, *others = tf.unstack(tf.shape(mask))[1:]
            shifted = tf.cast(tf.range(length) + shifts[:, axis, tf.newaxis], self.dtype)
            position = (shifted + 0.5) * tf.cast(self.scales[axis], self.dtype) - 0.5
            mask = _interpolated(tf.reshape(mask, [rows, n_cells, -1]), position)
            mask = tf.reshape(tf.transpose(mask, [0, 2, 1]), [rows, *others, length])
        return mask


def _interpolated(cells: tf.Tensor, position: tf.Tensor) -> tf.Tensor:
    """Returns `cells` `[rows, cells, …]` at positions `[rows, positions]` between them; beyond an end, its cell."""
    rows, n_cells, others = tf.unstack(tf.shape(cells))
    position = tf.clip_by_value(position, 0, tf.cast(n_cells - 1, position.dtype))
    lower = tf.cast(tf.floor(position), tf.int32)
    flat, first = tf.reshape(cells, [rows * n_cells, others]), tf.expand_dims(tf.range(rows) * n_cells, 1)
    below, above = (tf.gather(flat, first + cell) for cell in (lower, tf.minimum(lower + 1, n_cells - 1)))
    part = tf.expand_dims(position - tf.cast(lower, position.dtype), 2)
    return below + part * (above - below)  # exact where both are the same


def random_grids(
    shape: Sequence[int], cells: Sequence[int], n_masks: int, probability: float, generator: np.random.Generator
) -> Mapping[str, np.ndarray]:
    """Returns the `kept`, `shifts` and `scales` of `Grids` with random numbers.

    Args:
      shape: the tensor's lengths, without the batch.
      cells: the number of cells along each axis, at most its length.
      n_masks: the number of masks.
      probability: that of a cell being kept.
      generator: of the random numbers.
    """
    steps = [-(-length // count) if count > 1 else 1 for count, length in zip(cells, shape, strict=True)]
    scales = [count / ((count + 1) * step) if step > 1 else 1 for count, step in zip(cells, steps, strict=True)]
    return {
        "kept": generator.random((n_masks, *cells)) < probability,
        "shifts": generator.integers(steps, size=(n_masks, len(steps)), dtype=np.int32),
        "scales": np.array(scales, np.float64),
    }
