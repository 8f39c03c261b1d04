"""A `tf.data.Dataset` of examples or of batches."""

from collections.abc import Iterator
import dataclasses
import functools
from typing import Any

import numpy as np
import tensorflow as tf

from deepexplain_tf.arguments.containers import has_labels
from deepexplain_tf.datasets import fingerprint
from deepexplain_tf.datasets.rows import Batch, Row, Shapes, collate
from deepexplain_tf.datasets.sources.base import SOURCES, Source
from deepexplain_tf.errors import InputError, brief

_FIRST = 16  # rows that tell one data set from another


@SOURCES.register("tf_data")
@dataclasses.dataclass(frozen=True)
class TensorFlowData(Source):
    """A data set that gives the same elements in the same order each time it is read; labels are left out.

    Elements are batches where they have the model's number of axes, and examples where they have one less. Where the
    model does not tell it, elements with an axis are batches.
    """

    @classmethod
    def takes(cls, given: Any) -> bool:
        return isinstance(given, tf.data.Dataset)

    def __post_init__(self) -> None:
        if self.given.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise InputError("a data set must have an end. Got one that repeats for ever; take(n) ends it.")
        for leaf in tf.nest.flatten(self.given.element_spec):
            if not isinstance(leaf, tf.TensorSpec):
                raise InputError(f"a data set must hold dense tensors. Got {type(leaf).__name__}.")

    @functools.cached_property
    def examples(self) -> tf.data.Dataset:
        """The inputs, one example at a time."""
        found = self.given
        if has_labels(found.element_spec, self.specs):
            found = found.map(_inputs_of)
        return found.unbatch() if self._in_batches(tf.nest.flatten(found.element_spec)) else found

    def _in_batches(self, leaves: list[tf.TensorSpec]) -> bool:
        known = [None] * len(leaves) if self.specs is None else tf.nest.flatten(self.specs)
        for leaf, spec in zip(leaves, known, strict=False):
            if leaf.shape.rank is None:
                raise InputError("elements of a data set must have a known number of axes. Got one of unknown rank.")
            if spec is not None and spec.shape.rank is not None:
                return leaf.shape.rank != spec.shape.rank - 1
        return all(leaf.shape.rank for leaf in leaves)

    @functools.cached_property
    def count(self) -> int | None:
        rows = int(self.examples.cardinality())
        return rows if rows >= 0 else None

    def identity(self) -> dict[str, Any]:
        rows = [tf.nest.flatten(row) for row in self.examples.take(_FIRST).as_numpy_iterator()]
        leaves = [np.asarray(leaf) for row in rows for leaf in row]
        spec = [f"{leaf.dtype.name}{leaf.shape}" for leaf in tf.nest.flatten(self.examples.element_spec)]
        hashes = [found["sha256"] for found in fingerprint.of_arrays(leaf[None] for leaf in leaves)]
        return {"elements": spec, "rows": self.count, "first_rows": hashes}

    def batches(self, first: int, size: int, shapes: Shapes) -> Iterator[Batch]:
        rows = self.examples.skip(first)
        leaves = tf.nest.flatten(rows.element_spec)
        try:
            if not all(leaf.shape.is_fully_defined() for leaf in leaves):
                yield from collate((Row(row) for row in rows.as_numpy_iterator()), first, size, shapes)
                return
            for inputs in rows.batch(size).as_numpy_iterator():
                count = len(tf.nest.flatten(inputs)[0])
                yield Batch(first, count, inputs)
                first += count
        except tf.errors.OpError as error:
            raise InputError(
                f"a data set must be readable to its end. Got, after row {first}: {brief(error)}"
            ) from None


def _inputs_of(*element: Any) -> Any:
    return element[0]
