"""Many evaluations of a model, a chunk at a time, in one loop on the device."""

from collections.abc import Callable, Sequence
import dataclasses
import math
from typing import Any

import tensorflow as tf

MAX_SIZE = 1024  # more at once is no faster, and a padded chunk takes its memory
_MIN_SIZE = 10  # fewer at once are slower: 8 by 4 % for ResNet50, whose kernels are read again for each chunk
_BYTES = 2**28  # of activations, where nothing else is asked for
_ACCELERATED_BYTES = 2**31  # on a GPU or TPU, which few evaluations at once leave idle

Body = Callable[[tf.Tensor, tf.Tensor, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class Chunks:
    """How a loop of evaluations is cut.

    Attributes:
      size: how many are done at once, at most.
      pad: whether the last chunk has full size too, as a compiler or a model of fixed batch size wants it.
      small_size: how many are done at once where each example needs only a few evaluations.
    """

    size: int
    pad: bool
    small_size: int

    def small(self) -> "Chunks":
        """Returns the chunks of a loop that gives each example only a few evaluations."""
        return dataclasses.replace(self, size=self.small_size)

    def run(self, total: tf.Tensor, state: Sequence[tf.Tensor], body: Body) -> list[tf.Tensor]:
        """Runs over the numbers 0 … total − 1.

        Args:
          total: how many evaluations there are.
          state: what is accumulated.
          body: `(numbers [rows], valid [rows], state)` → new state; rows that are not valid are padding,
            repeat the last number and must count nothing.

        Returns:
          The final state.
        """
        size: Any = self.size
        if not self.pad:  # chunks of one size, so that no small one is left over
            size = -(-total // tf.maximum(-(-total // self.size), 1))

        def step(start: tf.Tensor, *state: tf.Tensor) -> tuple[tf.Tensor, ...]:
            stop = start + size
            numbers = start + tf.range(self.size) if self.pad else tf.range(start, tf.minimum(stop, total))
            return (stop, *body(tf.minimum(numbers, total - 1), numbers < total, state))

        first = (tf.constant(0), *state)
        _, *final = tf.while_loop(
            lambda start, *_: start < total,
            step,
            first,
            shape_invariants=tuple(value.shape for value in first),
            parallel_iterations=1,
        )
        return list(final)


def size_for(evaluation: int, accelerated: bool = False) -> int:
    """Returns how many evaluations are done at once where nothing else is asked for.

    Args:
      evaluation: the bytes of the activations of one.
      accelerated: whether on a GPU or TPU.
    """
    most = _ACCELERATED_BYTES if accelerated else _BYTES
    # On a coarse grid, so that texts of about the same length share a graph.
    fitting = round(2 ** (round(2 * math.log2(max(most / max(evaluation, 1), 1))) / 2))
    return min(max(fitting, _MIN_SIZE), MAX_SIZE)
