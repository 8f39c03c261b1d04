"""Loops over many evaluations of a model, one chunk after the other, on the device."""

from collections.abc import Callable, Sequence
import dataclasses
import math
from typing import Any

import tensorflow as tf

MAX_CHUNK_SIZE = 1024  # a larger chunk is no faster, and padding fills its memory
_MIN_SIZE = 10  # a smaller chunk is slower: 8 by 4 % for ResNet50, which reads its kernels again for each chunk
_BYTES = 2**28  # of activations, by default
_ACCELERATED_BYTES = 2**31  # on a GPU or TPU, which small chunks leave idle

Body = Callable[[tf.Tensor, tf.Tensor, Sequence[tf.Tensor]], Sequence[tf.Tensor]]


@dataclasses.dataclass(frozen=True)
class Chunks:
    """The sizes of the chunks that a loop of evaluations is cut into.

    Attributes:
      size: the largest number of evaluations in one chunk.
      pad: whether every chunk is padded to `size`, as XLA or a model of fixed batch size requires.
      small_size: the `size` for loops with only a few evaluations per example.
      at_once: whether all evaluations are one chunk, whatever its size.
    """

    size: int
    pad: bool
    small_size: int
    at_once: bool = False

    def for_few_evaluations(self) -> "Chunks":
        """Returns the chunks for a loop with only a few evaluations per example."""
        return dataclasses.replace(self, size=self.small_size)

    def run(self, total: tf.Tensor, state: Sequence[tf.Tensor], body: Body) -> list[tf.Tensor]:
        """Runs the evaluations numbered 0 … total − 1.

        Args:
          total: the number of evaluations.
          state: the initial tensors to accumulate into.
          body: `(numbers [rows], valid [rows], state)` → new state; rows that are not valid are padding, which
            repeats the last number and must not contribute.

        Returns:
          The final state.
        """
        if self.at_once:
            numbers = tf.range(total)
            return list(body(numbers, numbers >= 0, state))
        size: Any = self.size
        if not self.pad:  # equal chunks, so that the last is not a small one
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
            maximum_iterations=-(-total // self.size) if self.pad else None,  # XLA differentiates only bounded loops
        )
        return list(final)


def size_for(evaluation: int, accelerated: bool = False) -> int:
    """Returns the default number of evaluations in one chunk.

    Args:
      evaluation: the bytes of activations of one evaluation.
      accelerated: whether the program runs on a GPU or TPU.
    """
    most = _ACCELERATED_BYTES if accelerated else _BYTES
    # Rounded to a coarse grid, so that texts of about the same length share a graph.
    fitting = round(2 ** (round(2 * math.log2(max(most / max(evaluation, 1), 1))) / 2))
    return min(max(fitting, _MIN_SIZE), MAX_CHUNK_SIZE)
