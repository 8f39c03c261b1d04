"""Rows for a model, in which the same examples stand at several places, and how far apart their numbers are."""

from collections.abc import Sequence
import dataclasses

import ml_dtypes
import numpy as np
import tensorflow as tf

ZEROS, LARGE = -1, -2  # rows that are no examples


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows for a model, several of which may hold the same example.

    Attributes:
      arrays: `[rows, ...]` for each input.
      data: `[rows, ...]` for each array of a callable target.
      examples: the number of the example in each row; `ZEROS` or `LARGE` for a row that is no example.
    """

    arrays: list[np.ndarray]
    data: list[np.ndarray]
    examples: list[int]

    @classmethod
    def of(cls, arrays: Sequence[np.ndarray], data: Sequence[np.ndarray], examples: Sequence[int]) -> "Rows":
        """Makes rows of the examples with these numbers; a large row is 4 times the first example, with its data.

        Strings are empty in rows that are no examples.
        """
        chosen = []
        for array in arrays:
            factors = {ZEROS: 0, LARGE: 4 if array.dtype.kind != "b" else 1}
            if array.dtype.kind == "O":
                chosen.append(array[[max(number, 0) for number in examples]])
                chosen[-1][[number < 0 for number in examples]] = b""
                continue
            rows = [array[number] if number >= 0 else array[0] * factors[number] for number in examples]
            chosen.append(np.stack(rows).astype(array.dtype))
        return cls(chosen, [array[[max(number, 0) for number in examples]] for array in data], list(examples))

    def nudged(self) -> "Rows":
        """Returns the same rows with each number rounded anew, some up and some down; whole numbers stay."""
        return Rows([_nudged(array) for array in self.arrays], self.data, self.examples)

    def has(self, array: np.ndarray) -> bool:
        """Whether an array has a row for each of these."""
        return array.ndim > 0 and len(array) == len(self.examples)

    def apart(self, array: np.ndarray, others: "Rows", moved: np.ndarray) -> float:
        """Returns the largest difference between an example's numbers in these rows and in others.

        Args:
          array: `[rows, ...]`, numbers of these rows; those of an example are read where it stands first.
          others: the other rows.
          moved: `[other rows, ...]`, the same numbers of the other rows.
        """
        pairs = [(self.examples.index(n), row) for row, n in enumerate(others.examples) if n in self.examples]
        return apart(moved[[other for _, other in pairs]], array[[row for row, _ in pairs]])


def arrangements(count: int, batch: int | None, moves: bool) -> tuple[list[int], list[int]]:
    """Returns the numbers of the examples in the rows for the model's own call, and in other rows.

    Args:
      count: the number of examples.
      batch: the batch size of the trace, None for an open one.
      moves: whether examples stand at other places and among other rows; else a single example stays alone, and in a
        fixed batch only the rows around the first one are others.
    """
    if batch is None:
        return [0], [1 if count > 1 else ZEROS, 0, LARGE] if moves else [0]
    filled = [number % count for number in range(batch)]
    if batch == 1 or not moves:
        return filled, [filled[0], *(LARGE for _ in filled[1:])]
    return filled, [LARGE, *filled[2:], filled[0]]


def largest(array: np.ndarray) -> float:
    """Returns the largest finite size of a number."""
    return float(np.abs(array[np.isfinite(array)]).max(initial=0))


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Returns the largest difference; infinite if only one of two numbers is finite, and nothing if both are not."""
    finite = np.isfinite(found) & np.isfinite(expected)
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return float("inf")
    return float(np.abs(found[finite].astype(np.float64) - expected[finite].astype(np.float64)).max(initial=0))


def _unit(dtype: np.dtype) -> float:
    """Returns the rounding unit of a floating dtype."""
    return float(ml_dtypes.finfo(dtype).eps)


def _nudged(array: np.ndarray) -> np.ndarray:
    if not tf.as_dtype(array.dtype).is_floating:
        return array
    signs = np.where(np.arange(array.size).reshape(array.shape) % 2, 1, -1)
    return (array * (1 + 2 * _unit(array.dtype) * signs)).astype(array.dtype)
