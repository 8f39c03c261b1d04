"""Parquet files: columns of numbers, of lists of numbers, or of texts."""

from collections.abc import Iterator, Mapping, Sequence
import dataclasses
import functools
import math
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.structure import names_of
from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.packages import pyarrow, pyarrow_parquet
from deepexplain_tf.datasets.rows import Batch, Row, Shapes, collate, rebatch
from deepexplain_tf.datasets.sources.base import SOURCES, Source, files_with
from deepexplain_tf.errors import InputError, shortened

_SUFFIXES = (".parquet", ".pq")
_ROWS = 2**12  # read at a time, and fewer where they are long
_BYTES = 2**24


@SOURCES.register("parquet")
@dataclasses.dataclass(frozen=True)
class Parquet(Source):
    """A file, several, or a folder of them, in the order of their paths.

    A model with several inputs takes a column for each, by its name; others are left out. A model with one input takes
    one column of lists or texts, or the columns of numbers side by side, `[rows, columns]`. A missing value makes its
    row a bad one.

    Attributes:
      columns: the names of the columns of the only input, in their order; None for all.
    """

    columns: Sequence[str] | None = None

    @classmethod
    def takes(cls, given: Any) -> bool:
        return bool(files_with(given, _SUFFIXES))

    def __post_init__(self) -> None:
        known, missing = list(self.schema.names), [name for name in self.read if name not in self.schema.names]
        if missing or not self.read:
            raise InputError(f"columns must be among {shortened(known)}. Got {shortened(missing)}.")
        for name in self.read:
            kind = self.schema.field(name).type
            if not any(fits(part) for part in (kind, getattr(kind, "value_type", kind)) for fits in _kinds()):
                raise InputError(f"column {name!r} must hold numbers, lists of numbers or texts. Got {kind}.")
        if not self._by_name and len(self.read) > 1 and any(map(self._holds_lists, self.read)):
            raise InputError(f"one input takes one column of lists, by columns=. Got {shortened(list(self.read))}.")

    @functools.cached_property
    def files(self) -> list[pathlib.Path]:
        """The files in their order."""
        return files_with(self.given, _SUFFIXES)

    @functools.cached_property
    def schema(self) -> Any:
        """The schema of the first file, which all must have."""
        return pyarrow_parquet().read_schema(self.files[0])

    @property
    def _by_name(self) -> bool:
        return self.specs is not None and (isinstance(self.specs, Mapping) or len(tf.nest.flatten(self.specs)) > 1)

    @functools.cached_property
    def read(self) -> list[str]:
        """The names of the columns that are read."""
        if self._by_name:
            return names_of(self.specs)
        return list(self.schema.names if self.columns is None else self.columns)

    @functools.cached_property
    def counts(self) -> list[int]:
        """The number of rows of each file."""
        return [pyarrow_parquet().read_metadata(file).num_rows for file in self.files]

    @property
    def count(self) -> int:
        return sum(self.counts)

    def identity(self) -> dict[str, Any]:
        return {**fingerprint.of_files(self.files), "columns": self.read}

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        if any(map(self._holds_lists, self.read)):
            return collate((row for chunk in self._chunks(first) for row in self._rows(chunk)), first, size, shapes)
        return rebatch(map(self._arrays, self._chunks(first)), first, size)

    def _chunks(self, first: int) -> Iterator[Any]:
        """Yields record batches from row `first` on."""
        skip = first
        for file, count in zip(self.files, self.counts, strict=True):
            if skip >= count:
                skip -= count
                continue
            with pyarrow_parquet().ParquetFile(file) as opened:
                groups = list(range(opened.num_row_groups))
                while groups and skip >= opened.metadata.row_group(groups[0]).num_rows:
                    skip -= opened.metadata.row_group(groups.pop(0)).num_rows
                group = opened.metadata.row_group(groups[0])
                rows = max(min(_ROWS, _BYTES * group.num_rows // max(group.total_byte_size, 1)), 1)
                for chunk in opened.iter_batches(rows, row_groups=groups, columns=self.read):
                    if skip < len(chunk):
                        yield chunk.slice(skip)
                    skip = max(skip - len(chunk), 0)

    def _arrays(self, chunk: Any) -> Any:
        """Returns the arrays of columns of numbers and texts, in the structure of the inputs."""
        columns = {name: chunk.column(name).to_numpy(zero_copy_only=False) for name in self.read}
        if self._by_name:
            specs = dict(zip(names_of(self.specs), tf.nest.flatten(self.specs), strict=True))
            return {name: _reshaped(columns[name], specs[name]) for name in self.read}
        (first, *others) = columns.values()
        spec = None if self.specs is None else tf.nest.flatten(self.specs)[0]
        if not others and (first.dtype.kind == "O" or (spec is not None and spec.shape.rank == 1)):
            return first
        return np.column_stack(list(columns.values()))

    def _rows(self, chunk: Any) -> Iterator[Row]:
        columns = {name: _items(chunk.column(name)) for name in self.read}
        for number in range(len(chunk)):
            values = {name: column[number] for name, column in columns.items()}
            present = {name: value for name, value in values.items() if value is not None}
            missing = [name for name in values if name not in present]
            if missing:
                yield Row(None, reason=f"column {missing[0]!r} must have a value. Got none.")
            else:
                yield Row(self._example(present))

    def _example(self, values: dict[str, np.ndarray]) -> Any:
        specs = dict.fromkeys(values) if self.specs is None else dict(zip(values, self._specs_of(values), strict=True))
        found = {name: _shaped(value, specs[name]) for name, value in values.items()}
        return found if self._by_name else next(iter(found.values()))

    def _specs_of(self, values: dict[str, np.ndarray]) -> list[tf.TensorSpec]:
        by_name = dict(zip(names_of(self.specs), tf.nest.flatten(self.specs), strict=True))
        return [by_name[name] for name in values] if self._by_name else list(by_name.values())

    def _holds_lists(self, name: str) -> bool:
        return _is_list(self.schema.field(name).type)


def _kinds() -> list[Any]:
    types = pyarrow().types
    texts = [types.is_string, types.is_large_string, types.is_binary, types.is_large_binary]
    return [types.is_integer, types.is_floating, types.is_boolean, *texts]


def _is_list(kind: Any) -> bool:
    types = pyarrow().types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _items(column: Any) -> list[np.ndarray | None]:
    """Returns the values of a column, None for those that are missing."""
    if not _is_list(column.type):
        return [None if value is None else np.asarray(value) for value in column.to_pylist()]
    scalars = (value.values for value in column)
    return [None if values is None else values.to_numpy(zero_copy_only=False) for values in scalars]


def _reshaped(array: np.ndarray, spec: tf.TensorSpec) -> np.ndarray:
    return array.reshape(-1, *[1] * ((spec.shape.rank or 1) - 1))


def _shaped(value: np.ndarray, spec: tf.TensorSpec | None) -> np.ndarray:
    """Returns the numbers of a list in the shape of an example, where they are as many."""
    shape = None if spec is None or spec.shape.rank is None else spec.shape[1:].as_list()
    if shape is None or None in shape or math.prod(shape) != value.size:
        return value
    return value.reshape(shape)
