"""The contract of a format of shards."""

import abc
from collections.abc import Sequence
from typing import BinaryIO, ClassVar, TypeAlias

import numpy as np

from deepexplain_tf.registry import Registry

SINKS: Registry[type["Sink"]] = Registry("format of shards")

Part: TypeAlias = dict[str, np.ndarray]
"""Columns `[rows, ...]` by name, of rows of one shard."""


class Sink(abc.ABC):
    """Writes the rows of a shard into one file, the same bytes for the same rows."""

    suffix: ClassVar[str]
    """The end of the names of its files."""

    @abc.abstractmethod
    def write(self, parts: Sequence[Part], file: BinaryIO) -> None:
        """Writes parts, one after the other, all with the same columns.

        Raises:
          OSError: the file cannot be written.
          DeepExplainError: a package is missing.
        """
