"""Targets that are several units of the output, each explained for itself."""

from collections.abc import Sequence
import dataclasses
from typing import Any

import numpy as np

from deepexplain_tf.arguments.options import is_int
from deepexplain_tf.errors import TargetError


@dataclasses.dataclass(frozen=True)
class Units:
    """Several units of an output.

    Attributes:
      index: int32 `[units, axes]`, an index into the output's axes without the batch for each unit.
      shape: the axes of the units in results, whose product is their number.
    """

    index: np.ndarray
    shape: tuple[int, ...]


def read_units(target: Any, shape: Sequence[int | None]) -> Units | None:
    """Reads `"all"`, a range, or a tuple with a range or `"all"` for some axes; returns None for any other target.

    Args:
      target: the user's target.
      shape: the output's shape, batch first, with None for an open axis.

    Raises:
      TargetError: a range out of the output, without a unit, or along an axis of open length where all are asked for;
        or another text.
    """
    parts = target if isinstance(target, tuple) else (target,)
    if not any(isinstance(part, str | range | slice) for part in parts):
        return None
    axes = list(shape[1:]) or [1]  # an output [batch] counts as one unit
    if target == "all" and isinstance(target, str):
        parts = ("all",) * len(axes)
    if len(parts) != len(axes):
        raise TargetError(
            f"a target must be 'all', or {len(axes)} indices or ranges for output {['batch', *axes]}. Got {target!r}."
        )
    chosen = [_along(part, size) for part, size in zip(parts, axes, strict=True)]
    index = np.stack(np.meshgrid(*chosen, indexing="ij"), -1).reshape(-1, len(axes))[:, : len(shape) - 1]
    kept = [len(numbers) for numbers, part in zip(chosen, parts, strict=True) if not is_int(part)]
    return Units(index.astype(np.int32), tuple(kept))


def _along(part: Any, size: int | None) -> np.ndarray:
    """Returns the numbers of the units along one axis."""
    if isinstance(part, str) and part != "all":
        raise TargetError(f"a target that is a text must be 'all'. Got {part!r}.")
    numbers = range(part, part + 1) if is_int(part) else part
    if not isinstance(numbers, range):
        if size is None:
            raise TargetError(
                f"a target of all units needs an axis of known length. Got {part!r} for one of open length."
            )
        numbers = range(*part.indices(size)) if isinstance(part, slice) else range(size)
    ends = [numbers[0], numbers[-1]] if numbers else []
    lowest, highest = (0, float("inf")) if size is None else (-size, size - 1)
    if not ends or min(ends) < lowest or max(ends) > highest:
        raise TargetError(f"a range of units must lie in {lowest} … {highest} and hold a unit. Got {part!r}.")
    return np.array(numbers) % size if size else np.array(numbers)
