"""Shards as Parquet files: fixed-size lists, with the shape of one example in the field's metadata."""

from collections.abc import Sequence
import json
import math
from typing import Any, BinaryIO

import numpy as np

from deepexplain_tf.datasets.packages import pyarrow, pyarrow_parquet
from deepexplain_tf.datasets.sinks.base import SINKS, Part, Sink


@SINKS.register("parquet")
class Parquet(Sink):
    """Numbers of one example are flat lists; the metadata `shape` of their field is a list of JSON."""

    suffix = ".parquet"

    def __init__(self) -> None:
        pyarrow_parquet()  # that it is missing is known before any work

    def write(self, parts: Sequence[Part], file: BinaryIO) -> None:
        arrow = pyarrow()
        schema = arrow.schema([_field(name, array) for name, array in parts[0].items()])
        batches = [arrow.record_batch([_column(array) for array in part.values()], schema=schema) for part in parts]
        table = arrow.Table.from_batches(batches, schema)
        # A dictionary of numbers that hardly repeat takes three times as long, and more room.
        texts = [field.name for field in schema if field.type == arrow.string()]
        pyarrow_parquet().write_table(table, file, use_dictionary=texts or False)


def _field(name: str, array: np.ndarray) -> Any:
    arrow = pyarrow()
    kind = arrow.string() if array.dtype.kind in "UO" else arrow.from_numpy_dtype(array.dtype)
    if array.ndim == 1:
        return arrow.field(name, kind)
    shape = list(array.shape[1:])
    return arrow.field(name, arrow.list_(kind, math.prod(shape)), metadata={"shape": json.dumps(shape)})


def _column(array: np.ndarray) -> Any:
    arrow = pyarrow()
    flat = arrow.array(np.ascontiguousarray(array).reshape(-1))
    if array.ndim == 1:
        return flat
    return arrow.FixedSizeListArray.from_arrays(flat, math.prod(array.shape[1:]))
