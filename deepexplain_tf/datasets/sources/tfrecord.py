"""TFRecord files of `tf.train.Example`s."""

from collections.abc import Iterator, Mapping
import dataclasses
import functools
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.rows import Batch, Row, Shapes, collate
from deepexplain_tf.datasets.sources.base import SOURCES, Source, files_with
from deepexplain_tf.errors import InputError, OptionError, brief, shortened

_SUFFIXES = (".tfrecord", ".tfrecords")


@SOURCES.register("tfrecord")
@dataclasses.dataclass(frozen=True)
class TFRecord(Source):
    """A `.tfrecord` file, several, or a folder of them.

    Attributes:
      features: name → `tf.io.FixedLenFeature` of each input; several are the model's inputs by their names. Other
        features, such as labels, are not read.
      compression: `""`, `"GZIP"` or `"ZLIB"`.
    """

    features: Mapping[str, Any] | None = None
    compression: str = ""

    @classmethod
    def takes(cls, given: Any) -> bool:
        return bool(files_with(given, _SUFFIXES))

    def __post_init__(self) -> None:
        features = self.features if isinstance(self.features, Mapping) else {}
        if not features or not all(isinstance(kind, tf.io.FixedLenFeature) for kind in features.values()):
            raise OptionError(
                "features must be a dict of tf.io.FixedLenFeature by name, such as {'x': "
                f"tf.io.FixedLenFeature([8], tf.float32)}}. Got {shortened(self.features)}."
            )
        if self.compression not in ("", "GZIP", "ZLIB"):
            raise OptionError(f"compression must be '', 'GZIP' or 'ZLIB'. Got {shortened(self.compression)}.")

    @functools.cached_property
    def files(self) -> list[pathlib.Path]:
        """The files in their order."""
        return files_with(self.given, _SUFFIXES)

    @property
    def count(self) -> None:
        return None

    def identity(self) -> dict[str, Any]:
        features = {
            name: f"{tf.as_dtype(kind.dtype).name}{list(kind.shape)}" for name, kind in (self.features or {}).items()
        }
        return {**fingerprint.of_files(self.files), "features": features}

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        records = tf.data.TFRecordDataset([str(file) for file in self.files], self.compression or None)
        try:
            for serialized in records.skip(first).batch(size).as_numpy_iterator():
                yield self._parsed(serialized, first, shapes)
                first += len(serialized)
        except tf.errors.OpError as error:
            raise InputError(f"a TFRecord file must be whole. Got, after row {first}: {brief(error)}") from None

    def _parsed(self, serialized: np.ndarray, first: int, shapes: Shapes) -> Batch:
        try:
            return Batch(first, len(serialized), self._inputs(tf.io.parse_example(serialized, self.features)))
        except tf.errors.InvalidArgumentError:
            return next(collate(map(self._row, serialized), first, len(serialized), shapes))

    def _row(self, record: bytes) -> Row:
        try:
            return Row(self._inputs(tf.io.parse_single_example(record, self.features)))
        except tf.errors.InvalidArgumentError as error:
            return Row(None, reason=f"the record must have the features that were named. Got: {brief(error)}")

    def _inputs(self, parsed: Mapping[str, tf.Tensor]) -> Any:
        arrays = {name: tensor.numpy() for name, tensor in parsed.items()}
        return arrays if len(arrays) > 1 else next(iter(arrays.values()))
