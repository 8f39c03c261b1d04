"""The run of a data set: batches read, explained and written shard by shard, from the first row that no shard has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
import contextlib
import dataclasses
import pathlib
from typing import Any, TypeAlias

import tensorflow as tf

from deepexplain_tf.datasets.ahead import ahead
from deepexplain_tf.datasets.explainers import Explained
from deepexplain_tf.datasets.judgement import explained_rows
from deepexplain_tf.datasets.manifest import Manifest
from deepexplain_tf.datasets.rows import Batch, Shapes
from deepexplain_tf.datasets.shards import Shard, columns_of, largest, require_columns, size_of
from deepexplain_tf.datasets.sinks import Sink
from deepexplain_tf.datasets.sources import Source
from deepexplain_tf.errors import DeepExplainError, InputError, PathError

Progress: TypeAlias = Callable[[int, int | None], None]
"""Called with the number of source rows that are done, and of all of them, None where nobody knows it."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """What is in the folder of a run that has come to its end.

    Attributes:
      folder: the folder.
      rows: the number of explained rows.
      rejected: the number of rows that were set aside.
      files: the files of the shards, in the order of their rows.
      resumed_at: the number of the source row where this call went on; 0 for a new run.
      already: whether the run was finished before, so that this call did nothing.
    """

    folder: pathlib.Path
    rows: int
    rejected: int
    files: tuple[pathlib.Path, ...]
    resumed_at: int
    already: bool


@dataclasses.dataclass
class Run:
    """A run in a folder.

    Attributes:
      explained: the explainer.
      source: the examples.
      sink: the format of the shards.
      folder: the folder.
      manifest: what is done and how.
      batch_size: the number of rows that are read and explained at a time.
      max_rejected: how many rows may be set aside; None for any number, unless it is all of the first batch.
      progress: called after each batch.
    """

    explained: Explained
    source: Source
    sink: Sink
    folder: pathlib.Path
    manifest: Manifest
    batch_size: int
    max_rejected: int | None
    progress: Progress

    def finish(self, work: Callable[["Run"], None] | None = None) -> Finished:
        """Explains the rows that are in no shard yet; does nothing where the run is finished.

        Args:
          work: what explains them, and has each shard recorded in its order; None for this process.
        """
        start, already = self.manifest.next_row, self.manifest.finished
        if not already:
            self._write_manifest()  # that the folder can be written to is known before any work
            self.progress(start, self.source.count)
            (work or Run._go_on)(self)
        files = tuple(self.folder / shard["file"] for shard in self.manifest.shards if shard["file"])
        return Finished(self.folder, self.manifest.rows, self.manifest.rejected, files, start, already)

    def _go_on(self) -> None:
        start = self.manifest.next_row
        shapes = Shapes(self.manifest.row_shapes or shapes_of(self.explained.specs))
        shard = self._next_shard()
        with ahead(self.source.batches(start, self.batch_size, shapes), self.source.slow) as batches:
            for batch in batches:
                self._explain(batch, shard)
                self.progress(shard.first + shard.read, self.source.count)
                if shard.read >= (self.manifest.shard_size or largest(self.batch_size)):
                    self._close(shard, shapes)
                    shard = self._next_shard()
        if shard.read:
            self._close(shard, shapes, finished=True)
        else:
            self.end()

    def end(self) -> None:
        """Writes the manifest of a run whose shards have all rows.

        Raises:
          InputError: there are none.
        """
        if not self.manifest.next_row:
            raise InputError("a source must hold a row. Got none.")
        self.manifest.finished = True
        self._write_manifest()

    def _next_shard(self) -> Shard:
        return Shard(len(self.manifest.shards), self.manifest.next_row)

    def _explain(self, batch: Batch, shard: Shard) -> None:
        is_first = not (self.manifest.rows or shard.parts)
        if is_first and batch.good:
            self.explained.try_out(batch.filled())
        columns, batch = explained_rows(self.explained, batch)
        if is_first and not columns and self.max_rejected is None:
            position, reason = next(iter(batch.bad.items()))
            raise InputError(
                f"of the first {batch.count} rows one must be good, unless max_rejected= is given. "
                f"Got row {batch.first + position}: {reason}"
            )
        shard.add(columns, batch)
        if columns:
            self._learn(shard)
        self.require_few(self.manifest.rejected + len(shard.rejected), shard.rejected[-1:])

    def require_few(self, rejected: int, last: Sequence[Mapping[str, Any]]) -> None:
        """Raises InputError if more rows were set aside than may be; `last` has the last of them."""
        if self.max_rejected is not None and rejected > self.max_rejected:
            shown = "".join(f"; the last is row {row['row']}: {row['reason']}" for row in last)
            raise InputError(f"at most {self.max_rejected} rows may be set aside, max_rejected=. Got {rejected}{shown}")

    def _learn(self, shard: Shard) -> None:
        """Takes from the first explained rows what they have to be for all others."""
        part, manifest = shard.parts[-1], self.manifest
        if not manifest.columns:
            manifest.columns = columns_of(part)
        require_columns(part, manifest.columns)
        if manifest.shard_size is None:
            manifest.shard_size = size_of(part, self.batch_size)

    def _close(self, shard: Shard, shapes: Shapes, *, finished: bool = False) -> None:
        """Writes a shard, and then the manifest that has it."""
        with self._writing():
            entry = shard.write(self.folder, self.sink)
        self.record(entry, row_shapes=shapes.wanted, finished=finished)

    def record(self, entry: dict[str, Any], **facts: Any) -> None:
        """Writes the manifest with one more shard, the next in their order, and with other facts."""
        manifest = dataclasses.replace(self.manifest, shards=[*self.manifest.shards, entry], **facts)
        with self._writing():
            manifest.write(self.folder)
        self.manifest = manifest

    def _write_manifest(self) -> None:
        with self._writing():
            self.manifest.write(self.folder)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Tells, where a file of the folder cannot be written, what is whole and that the run can go on."""
        try:
            yield
        except DeepExplainError:
            raise
        except OSError as error:
            raise PathError(
                f"the folder {str(self.folder)!r} must take every shard. Got {error}. {self.kept()}, and the same call "
                "goes on there."
            ) from None

    def kept(self) -> str:
        """Returns, for a message, what is in whole shards."""
        return f"{len(self.manifest.shards)} shards with the source's first {self.manifest.next_row} rows are whole"


def shapes_of(specs: Any) -> list[list[int | None] | None] | None:
    """Returns the shapes of one example for each input of a model, None where they are not known."""
    if specs is None:
        return None
    shapes = [leaf.shape for leaf in tf.nest.flatten(specs)]
    return [None if shape.rank is None else shape.as_list()[1:] for shape in shapes]
