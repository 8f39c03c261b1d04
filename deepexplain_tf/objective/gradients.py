"""Gradients inside a graph, zero where nothing is connected."""

from collections.abc import Sequence
import re

import tensorflow as tf

from deepexplain_tf.errors import UnsupportedOpError


def gradients_of(
    target: tf.Tensor | Sequence[tf.Tensor],
    points: Sequence[tf.Tensor],
    upstream: tf.Tensor | Sequence[tf.Tensor] | None = None,
    *,
    second: bool = False,
) -> list[tf.Tensor]:
    """Returns the gradient of a target, or of several added up, for each of `points`.

    Args:
      target: one or several tensors.
      points: the tensors to differentiate by.
      upstream: a factor for each number of the target; None for 1.
      second: whether the target is a gradient itself.

    Raises:
      UnsupportedOpError: an op has no gradient.
    """
    try:
        return list(tf.gradients(target, list(points), upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO))
    except LookupError as error:
        found = re.search(r"op type: (\w+)", str(error))
        if second and found:
            raise UnsupportedOpError(
                f"a second derivative needs the gradient of every gradient. Got {found[1]}, which has none."
            ) from None
        raise UnsupportedOpError(f"every op on the way to the target needs a gradient. Got: {error}") from None
