"""Rows of a data set and batches of them, with the reasons for which some cannot be explained."""

from collections.abc import Iterable, Iterator, Sequence
import dataclasses
import itertools
from typing import Any

import numpy as np
import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Row:
    """One example.

    Attributes:
      inputs: its array, or a structure of arrays; None where it could not be read.
      name: the name of the example, such as that of a file.
      reason: why it could not be read.
    """

    inputs: Any
    name: str | None = None
    reason: str | None = None


@dataclasses.dataclass
class Batch:
    """Consecutive rows.

    Attributes:
      first: the number of the first row.
      count: the number of rows.
      inputs: arrays `[count, ...]` in the structure of the inputs; bad rows hold anything. None if all are bad.
      bad: position in the batch → why the row cannot be explained.
      names: a name for each row, None where there are none.
    """

    first: int
    count: int
    inputs: Any
    bad: dict[int, str] = dataclasses.field(default_factory=dict)
    names: list[str] | None = None

    @property
    def good(self) -> list[int]:
        """The positions of the rows that can be explained."""
        return [position for position in range(self.count) if position not in self.bad]

    def filled(self) -> Any:
        """Returns the inputs with the first good row in the place of each bad one.

        A program for as many rows as there would be without bad ones rounds the others in the same way.
        """
        if not self.bad:
            return self.inputs
        sources = np.arange(self.count)
        sources[list(self.bad)] = self.good[0]
        return tf.nest.map_structure(lambda array: array[sources], self.inputs)


class Shapes:
    """The shapes of one example; an axis that the model leaves open is as long as in the first row that fits."""

    def __init__(self, wanted: Sequence[Sequence[int | None] | None] | None):
        """Args: for each array of an example, in their flattened order, its shape; None for what nobody knows yet."""
        self.wanted: list[list[int | None] | None] | None = None
        if wanted is not None:
            self.wanted = [None if shape is None else list(shape) for shape in wanted]

    def misfit(self, inputs: Any) -> str | None:
        """Returns why an example does not have these shapes; None if it has, and then its lengths are fixed."""
        found: list[list[int | None]] = [list(np.shape(leaf)) for leaf in tf.nest.flatten(inputs)]
        wanted = [None] * len(found) if self.wanted is None else self.wanted
        if len(found) != len(wanted):
            return f"the row must hold {len(wanted)} arrays. Got {len(found)}."
        for shape, expected in zip(found, wanted, strict=True):
            fits = expected is None or (
                len(shape) == len(expected) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))
            )
            if not fits:
                return f"the row must have shape {expected}. Got {shape}."
        self.wanted = [*found]
        return None


def collate(rows: Iterable[Row], first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
    """Yields batches of `size` rows; rows of other shapes than `shapes` are bad.

    Args:
      rows: the rows from number `first` on.
      first: the number of the first row.
      size: the number of rows in a batch.
      shapes: the shapes of an example.
    """
    remaining = iter(rows)
    while taken := list(itertools.islice(remaining, size)):
        bad, good = {}, {}
        for position, row in enumerate(taken):
            reason = row.reason if row.inputs is None else shapes.misfit(row.inputs)
            if reason is None:
                good[position] = row.inputs
            else:
                bad[position] = reason
        inputs = None
        if good:
            filler = next(iter(good.values()))
            stacked = [good.get(position, filler) for position in range(len(taken))]
            inputs = tf.nest.map_structure(lambda *leaves: np.stack(leaves), *stacked)
        names = [row.name for row in taken if row.name is not None]
        yield Batch(first, len(taken), inputs, bad, names or None)
        first += len(taken)


def rebatch(chunks: Iterable[Any], first: int, size: int) -> Iterator[Batch]:
    """Yields batches of `size` rows of chunks of any lengths, structures of arrays `[rows, ...]`."""
    held: list[Any] = []
    count = 0
    for chunk in chunks:
        held.append(chunk)
        count += len(tf.nest.flatten(chunk)[0])
        if count < size:
            continue
        whole = _joined(held)
        for start in range(0, count - size + 1, size):
            yield Batch(first, size, tf.nest.map_structure(lambda array, a=start: array[a : a + size], whole))
            first += size
        count %= size
        held = [tf.nest.map_structure(lambda array, n=count: array[len(array) - n :], whole)]
    if count:
        yield Batch(first, count, _joined(held))


def _joined(chunks: Sequence[Any]) -> Any:
    if len(chunks) == 1:
        return chunks[0]
    return tf.nest.map_structure(lambda *arrays: np.concatenate(arrays), *chunks)
