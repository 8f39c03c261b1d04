"""Shards as `.npz` archives: one array `[rows, ...]` for each column."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from deepexplain_tf.datasets.sinks.base import SINKS, Part, Sink
from deepexplain_tf.writing.npz import write_npz


@SINKS.register("npz")
class Npz(Sink):
    """Needs no other package; NumPy reads it."""

    suffix = ".npz"

    def write(self, parts: Sequence[Part], file: BinaryIO) -> None:
        write_npz(file, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
