"""Arrays in memory, or a table of pandas."""

from collections.abc import Iterator, Mapping
import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.arrays import rectangular
from deepexplain_tf.arguments.containers import contents_of
from deepexplain_tf.arguments.strings import with_strings
from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.rows import Batch, Shapes
from deepexplain_tf.datasets.sources.base import SOURCES, Source, paths_in
from deepexplain_tf.errors import InputError


@SOURCES.register("arrays")
@dataclasses.dataclass(frozen=True)
class Arrays(Source):
    """An array `[rows, ...]`, a list, tuple or dict of them, an `(x, y)` pair, or a DataFrame.

    Strings are arrays of strings, since a list of texts would be one of paths.
    """

    @classmethod
    def takes(cls, given: Any) -> bool:
        if isinstance(given, tf.data.Dataset) or paths_in(given) is not None:
            return False
        leaves = tf.nest.flatten(given) if isinstance(given, list | tuple | Mapping) else [given]
        return bool(leaves) and all(hasattr(leaf, "__array__") for leaf in leaves)

    def __post_init__(self) -> None:
        self.count  # noqa: B018  (arrays that do not fit are refused before any work)

    @functools.cached_property
    def arrays(self) -> Any:
        """The arrays in their structure."""
        inputs = with_strings(contents_of(self.given, self.specs).inputs, self.specs)
        return tf.nest.map_structure(lambda leaf: rectangular(leaf, "a source"), inputs)

    @functools.cached_property
    def count(self) -> int:
        return rows_of(tf.nest.flatten(self.arrays))

    @property
    def slow(self) -> bool:
        return False

    def identity(self) -> dict[str, Any]:
        return {"arrays": fingerprint.of_arrays(tf.nest.flatten(self.arrays))}

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        for start in range(first, self.count, size):
            stop = min(start + size, self.count)
            rows = tf.nest.map_structure(lambda array, a=start, b=stop: np.array(array[a:b]), self.arrays)
            yield Batch(start, stop - start, rows)


def rows_of(arrays: list[np.ndarray]) -> int:
    """Returns the number of rows of arrays.

    Raises:
      InputError: there are none, or the arrays have different numbers of them.
    """
    counts = {array.shape[0] if array.ndim else None for array in arrays}
    if len(counts) != 1 or counts & {0, None}:
        raise InputError(
            f"arrays of a source must have one number of rows, [rows, ...]. Got {sorted(map(str, counts))}."
        )
    return int(next(iter(counts)) or 0)
