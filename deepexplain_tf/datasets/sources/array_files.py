"""An `.npy` or `.npz` file, of which a few rows are in memory at a time."""

from collections.abc import Iterator
import contextlib
import dataclasses
import functools
import math
import pathlib
from typing import IO, Any
import zipfile
import zlib

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.archives import in_structure
from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.rows import Batch, Shapes
from deepexplain_tf.datasets.sources.arrays import rows_of
from deepexplain_tf.datasets.sources.base import SOURCES, Source, paths_in
from deepexplain_tf.errors import InputError

_MAPPED = 2**23  # bytes of a file that are in memory at once


@dataclasses.dataclass(frozen=True)
class Member:
    """An array in an archive, read from its beginning to its end.

    Attributes:
      name: the name in the archive.
      shape: its shape.
      dtype: its dtype.
      ordered: whether its rows lie one after the other; else all of it is read at once.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    ordered: bool

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def row_bytes(self) -> int:
        """The bytes of a row."""
        return math.prod(self.shape[1:]) * self.dtype.itemsize


@SOURCES.register("array_files")
@dataclasses.dataclass(frozen=True)
class ArrayFiles(Source):
    """One file: an `.npy` file is mapped into memory, the members of an `.npz` file are read as a stream.

    An archive of one array is that array; one of arrays without names is a list, any other a dict.
    """

    @classmethod
    def takes(cls, given: Any) -> bool:
        paths = paths_in(given)
        return paths is not None and len(paths) == 1 and paths[0].suffix.lower() in (".npy", ".npz")

    def __post_init__(self) -> None:
        self.count  # noqa: B018  (a file that cannot be read is refused before any work)

    @property
    def path(self) -> pathlib.Path:
        """The file."""
        return (paths_in(self.given) or [])[0]

    @functools.cached_property
    def contents(self) -> Any:
        """The mapped array, or the members of the archive in their structure."""
        with _readable(self.path):
            if not zipfile.is_zipfile(self.path):
                return np.load(self.path, mmap_mode="r", allow_pickle=False)
            with zipfile.ZipFile(self.path) as archive:
                return _structured({name.removesuffix(".npy"): _member(archive, name) for name in archive.namelist()})

    @functools.cached_property
    def count(self) -> int:
        return rows_of(tf.nest.flatten(self.contents))

    @property
    def slow(self) -> bool:
        return not isinstance(self.contents, np.ndarray)

    def identity(self) -> dict[str, Any]:
        return fingerprint.of_files([self.path])

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        return self._mapped(first, size) if isinstance(self.contents, np.ndarray) else self._streamed(first, size)

    def _mapped(self, first: int, size: int) -> Iterator[Batch]:
        # Mapped anew now and then, since what was read of a map stays in the process's memory as long as it does.
        at_once = max(_MAPPED * self.count // max(self.contents.nbytes, 1) // size, 1) * size
        for begin in range(first, self.count, at_once):
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
            end = min(begin + at_once, self.count)
            for start in range(begin, end, size):
                stop = min(start + size, end)
                yield Batch(start, stop - start, np.array(array[start:stop]))

    def _streamed(self, first: int, size: int) -> Iterator[Batch]:
        with _readable(self.path), zipfile.ZipFile(self.path) as archive, contextlib.ExitStack() as stack:
            members = tf.nest.flatten(self.contents)
            streams = [_stream(archive, member, first, stack) for member in members]
            for start in range(first, self.count, size):
                rows = min(size, self.count - start)
                arrays = [_rows(stream, member, rows) for stream, member in zip(streams, members, strict=True)]
                yield Batch(start, rows, tf.nest.pack_sequence_as(self.contents, arrays))


@contextlib.contextmanager
def _readable(path: pathlib.Path) -> Iterator[None]:
    """Turns the errors of a damaged file into InputErrors."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} must be an .npy or .npz file of numbers. {error}") from None


def _member(archive: zipfile.ZipFile, name: str) -> Member:
    with archive.open(name) as file:
        shape, in_columns, dtype = _header(file)
    if dtype.hasobject:
        raise InputError(f"arrays of a source must hold no Python objects. Got those of {name!r}.")
    return Member(name, shape, dtype, ordered=not in_columns or len(shape) < 2)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _structured(members: dict[str, Member]) -> Any:
    if not members:
        raise InputError("an archive must hold an array. Got an empty one.")
    return in_structure(members)


def _stream(archive: zipfile.ZipFile, member: Member, first: int, stack: contextlib.ExitStack) -> Any:
    """Returns an open stream at row `first`, or the rows from there on where they are not in order."""
    if not member.ordered:
        with archive.open(member.name) as file:
            return iter(np.lib.format.read_array(file, allow_pickle=False)[first:])
    file = stack.enter_context(archive.open(member.name))
    _header(file)
    file.seek(file.tell() + first * member.row_bytes)
    return file


def _rows(stream: Any, member: Member, rows: int) -> np.ndarray:
    if not member.ordered:
        return np.stack([next(stream) for _ in range(rows)])
    data = stream.read(rows * member.row_bytes)
    return np.frombuffer(data, member.dtype).reshape(rows, *member.shape[1:])
