"""The contract of a source of examples, and `open_source`, which finds the one that reads what the user named."""

import abc
from collections.abc import Iterator, Mapping
import dataclasses
import os
import pathlib
from typing import Any

import tensorflow as tf

from deepexplain_tf.datasets.rows import Batch, Row, Shapes, collate
from deepexplain_tf.errors import InputError, OptionError, closest, shortened
from deepexplain_tf.registry import Registry

SOURCES: Registry[type["Source"]] = Registry("source")


@dataclasses.dataclass(frozen=True)
class Source(abc.ABC):
    """Examples in an order that is the same at each reading.

    A source is a frozen dataclass, registered by `@SOURCES.register(name)` in a file of its own, which
    `sources/__init__.py` imports. Fields after the two of this class are the options of the user, and have defaults; a
    `__post_init__` raises for what does not fit. `arrays.py` is a short example; a source that reads one example at a
    time derives from `RowSource`.

    Attributes:
      given: what the user named.
      specs: the model's inputs, a structure of `tf.TensorSpec`; None where the model does not tell them.
    """

    given: Any
    specs: Any

    @classmethod
    @abc.abstractmethod
    def takes(cls, given: Any) -> bool:
        """Returns whether this source reads what the user named."""

    @property
    @abc.abstractmethod
    def count(self) -> int | None:
        """The number of rows; None where only reading tells it."""

    @property
    def slow(self) -> bool:
        """Whether reading takes so long that a thread does it while the batch before is explained.

        The thread itself costs most of a millisecond for each batch, since both sides wait for each other's Python.
        """
        return True

    @abc.abstractmethod
    def identity(self) -> dict[str, Any]:
        """Returns values of JSON that differ for another source."""

    @abc.abstractmethod
    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        """Yields the rows from number `first` on, `size` at a time; a row that cannot be read is bad.

        Raises:
          OSError, InputError: the source cannot be read on.
        """


@dataclasses.dataclass(frozen=True)
class RowSource(Source):
    """A source that reads one example at a time."""

    @abc.abstractmethod
    def rows(self, first: int) -> Iterator[Row]:
        """Yields the rows from number `first` on."""

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        return collate(self.rows(first), first, size, shapes)


def open_source(given: Any, specs: Any, options: Mapping[str, Any]) -> tuple[str, Source]:
    """Returns the source that reads what the user named, and its registered name.

    Raises:
      TypeError: nothing reads this.
      FileNotFoundError: there is no such file or folder.
      OptionError: an option that the source does not have.
      InputError: the source holds no examples for the model.
    """
    for path in paths_in(given) or []:
        if not path.exists():
            raise FileNotFoundError(f"there is no file {path}")
    fitting = [name for name in SOURCES if SOURCES[name].takes(given)]
    if not fitting:
        raise TypeError(
            "a source must be a tf.data.Dataset, arrays, an .npy or .npz file, or pictures, Parquet or TFRecord files "
            f"or a folder of them. Got {shortened(given)}."
        )
    if len(fitting) > 1:
        raise InputError(f"a folder must hold files of one kind. Got {' and '.join(fitting)} in {shortened(given)}.")
    (name,) = fitting
    known = [field.name for field in dataclasses.fields(SOURCES[name])][2:]
    for option in options:
        if option not in known:
            raise OptionError(
                f"{shortened(option)} is no option of a source of the kind {name!r}; {closest(option, known)}."
            )
    return name, SOURCES[name](given, specs, **options)


def paths_in(given: Any) -> list[pathlib.Path] | None:
    """Returns the path, or the paths of a list, that the user named; None if it is something else."""
    several = given if isinstance(given, list | tuple) else [given]
    if several and all(isinstance(path, str | os.PathLike) for path in several):
        return [pathlib.Path(path) for path in several]
    return None


def files_with(given: Any, suffixes: tuple[str, ...]) -> list[pathlib.Path]:
    """Returns the files with one of these suffixes that a path, a folder or a list of paths names, else nothing.

    Files of a folder, and of the folders in it, are in the order of their paths.
    """
    paths = paths_in(given) or []
    if len(paths) == 1 and paths[0].is_dir():
        inside = (path for path in paths[0].rglob("*") if path.is_file())
        return sorted(path for path in inside if path.name.lower().endswith(suffixes))
    return paths if all(path.name.lower().endswith(suffixes) for path in paths) else []


def only_spec(specs: Any) -> tf.TensorSpec | None:
    """Returns the spec of a model's only input, None where nobody knows it.

    Raises:
      InputError: a model with several inputs.
    """
    leaves = [] if specs is None else tf.nest.flatten(specs)
    if len(leaves) > 1:
        raise InputError(f"this source fills one input. Got a model with {len(leaves)}.")
    return leaves[0] if leaves else None
