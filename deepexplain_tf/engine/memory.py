"""How much of a method's work is done at once."""

from collections.abc import Sequence
import math
import re

from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.errors import OptionError, shortened
from deepexplain_tf.graph.footprint import value_bytes
from deepexplain_tf.methods.base import Method
from deepexplain_tf.objective.chunks import size_for
from deepexplain_tf.objective.objective import Objective

BATCH_SIZE = 32  # of methods that evaluate the model once
_MAX_BATCH_SIZE = 1024  # of the others
_MANY = 64  # evaluations of an example, where their number is not known before
_BATCH_BYTES = 2**25  # of what is kept for examples, where nothing else is asked for
_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

# What is needed at the peak: for a chunk in units of its activations (most are freed on the way back, some before), for
# each example in units of what is kept of it, and in any case. On the safe side of what examples/memory.py measures.
_HELD = 1.0
_KEPT = 6.0
_BASE = 2**25


def read_bytes(given: int | str) -> int:
    """Returns an amount of memory, such as `"2GiB"`, in bytes; OptionError for anything else."""
    if is_int(given) and int(given) > 0:
        return int(given)
    found = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMG]i?B|)\s*", given, re.IGNORECASE) if isinstance(given, str) else None
    )
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if not size:
        raise OptionError(f"max_memory must be bytes, or a text such as '2GiB'. Got {shortened(given)}.")
    return size


class Memory:
    """What evaluations of an objective need."""

    def __init__(
        self, objective: Objective, method: Method, shapes: Sequence[tuple[int, ...]], accelerated: bool = False
    ):
        """Args: what is explained; how; the shape of one example of each explained tensor; whether on a GPU or TPU."""
        self._accelerated = accelerated
        self._evaluations = method.evaluations or _MANY
        length = max((shape[0] for shape in shapes if shape and shape[0]), default=1)
        inside = objective.optimised.after_prefix if method.straight else objective
        ends = {*objective.explained, *inside.explained}
        self._evaluation = max(inside.activation_bytes(length), 1)
        self._example = max(sum(value_bytes(value, length) for value in ends), 1)

    def batch_size(self) -> int:
        """Returns how many examples are explained at once where nothing else is asked for: enough to fill a chunk."""
        least = -(-self.chunk_size() // self._evaluations)
        return min(max(int(_BATCH_BYTES / (_KEPT * self._example)), least), _MAX_BATCH_SIZE)

    def chunk_size(self) -> int:
        """Returns how many evaluations are done at once where nothing else is asked for."""
        return size_for(self._evaluation, self._accelerated)

    def within(self, limit: int) -> tuple[int, int]:
        """Returns how many examples and how many evaluations at once need no more than a number of bytes.

        Raises:
          OptionError: not even one does.
        """
        each, kept = _HELD * self._evaluation, _KEPT * self._example
        free = limit - _BASE
        if each + kept > free:
            needed = math.ceil((each + kept + _BASE) / 2**20)
            raise OptionError(f"max_memory must hold one evaluation, about {needed} MiB. Got {limit / 2**20:.1f} MiB.")
        batch = int(min(max(free / 4 // kept, 1), self.batch_size()))
        return batch, int(min((free - batch * kept) // each, self.chunk_size()))
