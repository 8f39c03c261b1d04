"""Batch and chunk sizes from estimates of memory."""

import math
import re

from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.errors import OptionError, shortened
from deepexplain_tf.graph.footprint import value_bytes
from deepexplain_tf.methods.base import Method
from deepexplain_tf.methods.layout import Layout
from deepexplain_tf.objective.chunks import size_for
from deepexplain_tf.objective.objective import Objective

BATCH_SIZE = 32  # for methods that evaluate the model once
_MAX_BATCH_SIZE = 1024  # for methods that evaluate the model many times
_MANY = 64  # evaluations of an example, assumed where their number is not known before the call
_BATCH_BYTES = 2**25  # of tensors kept for the examples of a batch, by default
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

# Peak memory, on the safe side of measurements by examples/memory.py: of an evaluation, its activations (the backward
# pass frees most of them, some go earlier; twin-valued rules need more of them) and so many tensors of the size of its
# point (the point itself, what it is interpolated or masked from, the gradient, and its terms of sums); of an example,
# relative to its kept tensors, twice with noise, whose sums are float64, and to its own set of baselines; a constant.
_POINTS_ON_LINES, _POINTS, _POINTS_MASKED = 3.0, 7.0, 3.0
_TWIN = 1.75
_SECOND = 2.0  # of activations through which a gradient is differentiated
_LOOPED = 0.4  # of all that loops compute, a gradient keeps 0.25 to 0.4: chunks may be larger, where no limit is given
_KEPT = 6.0
_NOISY = 2.0
_SETS = 2.0
_BASE = 3 * 2**24


def read_bytes(given: int | str) -> int:
    """Returns an amount of memory in bytes.

    Args:
      given: a whole number of bytes, or a text such as `"2GiB"`.

    Raises:
      OptionError: anything else, or an amount of 0.
    """
    if is_int(given) and int(given) > 0:
        return int(given)
    parsed = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]i?B|)\s*", given, re.IGNORECASE) if isinstance(given, str) else None
    )
    size = int(float(parsed[1]) * _UNITS[parsed[2].upper()]) if parsed else 0
    if not size:
        raise OptionError(f"max_memory must be bytes, or a text such as '2GiB'. Got {shortened(given)}.")
    return size


class Memory:
    """The memory that a method needs to evaluate an objective, and the sizes that follow from it.

    Attributes:
      result: the bytes of the attributions of one example.
    """

    def __init__(
        self, objective: Objective, method: Method, layout: Layout, baselines: int = 0, accelerated: bool = False
    ):
        """Estimates the memory.

        Args:
          objective: the explained function.
          method: the method.
          layout: the explained tensors.
          baselines: the bytes of an example's own set of baselines.
          accelerated: whether the program runs on a GPU or TPU.
        """
        self._accelerated = accelerated
        self._looped = bool(objective.loops)
        self._evaluations = method.evaluations_in(layout) or _MANY
        length = max((shape[0] for shape in layout.shapes if shape and shape[0]), default=1)
        inside = objective.on_lines if method.straight else objective
        ends = {*objective.explained, *inside.explained}
        points = _POINTS_MASKED if not method.differentiates else _POINTS_ON_LINES if method.straight else _POINTS
        point = sum(value_bytes(value, length) for value in inside.explained) if method.loops else 0
        factor = _TWIN if method.override_map.twin else _SECOND if method.pairwise else 1
        activations = inside.activation_bytes(length) * factor
        if method.from_inputs:
            activations += objective.prefix_bytes(length) * _SECOND
            ends |= {*objective.inputs}
            point += sum(value_bytes(value, length) for value in objective.inputs)
        pairs = method.pairs_in(layout) * objective.explained[0].dtype.size
        wide = _NOISY if method.noisy or method.redraws else 1
        kept = wide * _KEPT * (pairs + sum(value_bytes(value, length) for value in ends))
        samples = kept if method.noisy else 0  # a sample is kept like an example
        self._evaluation = max(int(activations + points * point + samples), 1)
        self.result = pairs or sum(value_bytes(value, length) for value in objective.explained)
        self._example = max(kept + _SETS * baselines, 1)

    def batch_size(self) -> int:
        """Returns the default number of examples in a batch: what 32 MiB hold, or a chunk, at most 1024."""
        least = -(-self.chunk_size() // self._evaluations)
        return min(max(int(_BATCH_BYTES / self._example), least), _MAX_BATCH_SIZE)

    def chunk_size(self) -> int:
        """Returns the default number of evaluations in a chunk; see `chunks.size_for`."""
        return size_for(int(self._evaluation * (_LOOPED if self._looped else 1)), self._accelerated)

    def within(self, limit: int, kept: int) -> tuple[int, int]:
        """Returns a batch size and a chunk size that need at most `limit` bytes.

        Args:
          limit: the bytes.
          kept: the bytes that the call keeps, whatever the sizes: its results, its background.

        Raises:
          OptionError: what is kept and one evaluation already need more.
        """
        evaluation, example, fixed = self._evaluation, self._example, _BASE + kept
        free = limit - fixed
        if evaluation + example > free:
            needed = math.ceil((evaluation + example + fixed) / 2**20)
            raise OptionError(f"max_memory must hold one evaluation, about {needed} MiB. Got {limit / 2**20:.1f} MiB.")
        batch = int(min(max(free / 4 // example, 1), self.batch_size()))
        return batch, int(min((free - batch * example) // evaluation, self.chunk_size()))
