"""Hypothetical contributions: what each letter of a one-hot input would have contributed in its place."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from deepexplain_tf.errors import InputError, shortened
from deepexplain_tf.objective.shapes import sum_rows


def hypothetical_contributions(multipliers: tf.Tensor, baseline: tf.Tensor) -> tf.Tensor:
    """Returns for each letter l the sum over letters l' of m_l' · (1[l' = l] − x₀_l'), `[rows, ..., letters]`.

    Args:
      multipliers: m, `[rows, ..., letters]`.
      baseline: x₀ in the same shape.
    """
    return multipliers - tf.reduce_sum(multipliers * baseline, -1, keepdims=True)


def of_present_letters(explained: Sequence[tf.Tensor], contributions: Sequence[tf.Tensor]) -> tf.Tensor:
    """Returns `[rows]`: the sum of the contributions of the letters that are there."""
    return sum_rows([x * contribution for x, contribution in zip(explained, contributions, strict=True)])


def require_one_hot(explained: Sequence[np.ndarray]) -> None:
    """Checks that the last axis of each explained tensor holds a single 1, or only zeros, beside zeros.

    Raises:
      InputError: a tensor that does not; the message has its row.
    """
    needed = "hypothetical contributions take one-hot inputs [batch, ..., letters]: in each row one 1, or none"
    for number, array in enumerate(explained):
        which = f" of input {number}" if len(explained) > 1 else ""
        hint = "; layer= explains one input among several" if which else ""
        if array.ndim < 2:
            raise InputError(f"{needed}. Got shape {list(array.shape)}{which}{hint}.")
        rows = np.asarray(array, np.float64)
        wrong = ~((rows == 0) | (rows == 1)).all(-1) | (rows.sum(-1) > 1)
        if wrong.any():
            place = tuple(map(int, np.argwhere(wrong)[0]))
            shown = shortened(rows[place].tolist())
            raise InputError(f"{needed}. Got {shown} at {list(place)}{which}{hint}.")
