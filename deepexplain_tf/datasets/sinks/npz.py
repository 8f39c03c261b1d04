"""Shards as `.npz` archives: one array `[rows, ...]` for each column."""

from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from deepexplain_tf.datasets.sinks.base import SINKS, Part, Sink


@SINKS.register("npz")
class Npz(Sink):
    """Needs no other package; NumPy reads it."""

    suffix = ".npz"

    def write(self, parts: Sequence[Part], file: BinaryIO) -> None:
        whole: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        np.savez(file, **whole)
