"""Shards: rows gathered until one is full, then written with the rows that were set aside."""

import dataclasses
import functools
import json
import pathlib
from typing import Any

import numpy as np

from deepexplain_tf.datasets.rows import Batch
from deepexplain_tf.datasets.sinks import Part, Sink
from deepexplain_tf.errors import InputError
from deepexplain_tf.writing.atomic import atomic_file

_BYTES = 2**26  # of a shard whose size the user leaves open
_MOST = 2**16  # rows of such a shard


@dataclasses.dataclass
class Shard:
    """The rows of a shard that is not written yet.

    Attributes:
      number: the number of the shard.
      first: the number of its first source row.
      read: how many source rows it holds.
      parts: columns of explained rows, batch by batch.
      rejected: what is known of each row that was set aside.
    """

    number: int
    first: int
    read: int = 0
    parts: list[Part] = dataclasses.field(default_factory=list)
    rejected: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def add(self, columns: Part, batch: Batch) -> None:
        """Adds a batch: the columns of its good rows, and the reasons of its bad ones."""
        names = batch.names
        if columns:
            good = batch.good
            part: Part = {"row": np.array(good, np.int64) + batch.first}
            if names is not None:
                part["name"] = np.array([names[position] for position in good])
            self.parts.append({**part, **columns})
        for position, reason in sorted(batch.bad.items()):
            name = None if names is None else names[position]
            self.rejected.append({"row": batch.first + position, "name": name, "reason": reason})
        self.read += batch.count

    def write(self, folder: pathlib.Path, sink: Sink) -> dict[str, Any]:
        """Writes its files and returns its entry for the manifest.

        Raises:
          OSError: a file cannot be written.
        """
        rejected_file = f"rejected-{self.number:05d}.jsonl" if self.rejected else None
        if rejected_file:
            with atomic_file(folder / rejected_file) as file:
                file.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in self.rejected)
        name = f"shard-{self.number:05d}{sink.suffix}" if self.parts else None
        if name:
            with atomic_file(folder / name) as file:
                sink.write(self.parts, file)
        rows = sum(len(part["row"]) for part in self.parts)
        counts = {"first_row": self.first, "read": self.read, "rows": rows, "rejected": len(self.rejected)}
        return {"file": name, "rejected_file": rejected_file, **counts}


def columns_of(part: Part) -> dict[str, Any]:
    """Returns dtype and shape of one example for each column; of texts `str`."""
    return {name: {"dtype": _named(array.dtype), "shape": list(array.shape[1:])} for name, array in part.items()}


@functools.cache  # NumPy takes longer for a name than for the comparison of all columns
def _named(dtype: np.dtype) -> str:
    return "str" if dtype.kind == "U" else str(dtype)


def size_of(part: Part, batch_size: int) -> int:
    """Returns how many rows a shard has whose size is open, a multiple of the batch size."""
    row = sum(array.nbytes // max(len(array), 1) for array in part.values())
    return min(max(_BYTES // max(row, 1) // batch_size, 1) * batch_size, largest(batch_size))


def largest(batch_size: int) -> int:
    """Returns how many rows such a shard has at most."""
    return max(_MOST // batch_size, 1) * batch_size


def require_columns(part: Part, known: dict[str, Any]) -> None:
    """Raises InputError unless the columns of a part are those of the parts before it."""
    found = columns_of(part)
    if found != known:
        names = [name for name in sorted({*found, *known}) if found.get(name) != known.get(name)]
        was, now = known.get(names[0]), found.get(names[0])
        raise InputError(f"all rows must have attributions of one shape and dtype. Got {names[0]} {now} after {was}.")
