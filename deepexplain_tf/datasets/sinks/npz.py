"""Shards as `.npz` archives: one array `[rows, ...]` for each column."""

from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from deepexplain_tf.datasets.sinks.base import SINKS, Part, Sink


@SINKS.register("npz")
class Npz(Sink):
    """Needs no other package; NumPy reads it."""

    suffix = ".npz"

    def write(self, parts: Sequence[Part], file: BinaryIO) -> None:
        np.savez(file, **{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})  # type: ignore[arg-type]
