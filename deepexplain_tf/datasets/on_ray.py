"""The engine `"ray"`: Ray Data hands out the numbers of shards, and its actors explain and write them."""

from collections.abc import Callable, Mapping
import dataclasses
import itertools
import json
import pathlib
from typing import Any

import numpy as np

from deepexplain_tf.datasets.ahead import ahead
from deepexplain_tf.datasets.explainers import Explained, read_explainer
from deepexplain_tf.datasets.judgement import explained_rows
from deepexplain_tf.datasets.packages import ray_data, ray_error
from deepexplain_tf.datasets.rows import Shapes
from deepexplain_tf.datasets.run import Run, shapes_of
from deepexplain_tf.datasets.shards import Shard, columns_of
from deepexplain_tf.datasets.sinks import SINKS, Sink
from deepexplain_tf.datasets.sources import Source, open_source
from deepexplain_tf.datasets.sources.base import paths_in
from deepexplain_tf.errors import DeepExplainError, InputError, OptionError, brief, shortened


@dataclasses.dataclass(frozen=True)
class Task:
    """What an actor needs to know, all of which can be sent to it.

    Attributes:
      explainer: the path of an exported explainer.
      target: its target, if the export left it open.
      source: the path, or paths, of the source.
      reading: the options of the source.
      format: the format of the shards.
    """

    explainer: Any
    target: Any
    source: Any
    reading: dict[str, Any]
    format: str


def on_ray(
    task: Task, shard_size: int | None, count: int | None, resources: Mapping[str, Any] | None
) -> Callable[[Run], None]:
    """Returns the work of a run on Ray.

    Args:
      task: what an actor needs.
      shard_size: the number of source rows of a shard.
      count: the number of source rows.
      resources: arguments of `map_batches`.

    Raises:
      OptionError: an explainer, a source or a size that cannot be divided among actors.
      DeepExplainError: Ray is not installed.
    """
    if paths_in(task.explainer) is None:
        raise OptionError("engine='ray' loads an exported explainer in each actor. Got one of this process; export it.")
    if paths_in(task.source) is None or count is None:
        raise OptionError(f"engine='ray' reads files whose rows are counted. Got {shortened(task.source)}; or 'local'.")
    if shard_size is None:
        raise OptionError("engine='ray' needs shard_size, which divides the source among actors. Got None.")
    data, total = ray_data(), -(-count // shard_size)

    def work(run: Run) -> None:
        missing = range(len(run.manifest.shards), total)
        if not missing:
            return run.end()
        arguments = (_absolute(task), str(run.folder.absolute()), run.batch_size, shard_size)
        # Items of this process: `range` would need a CPU for its own tasks, and waits for ever if actors hold all.
        numbers = data.from_items([{"id": number} for number in missing], override_num_blocks=len(missing))
        numbers.context.execution_options.preserve_order = True
        actors = {} if "concurrency" in (resources or {}) else {"compute": data.ActorPoolStrategy(size=1)}
        given = {"batch_size": 1, **actors, **(resources or {})}
        try:
            for row in numbers.map_batches(_Actor, fn_constructor_args=arguments, **given).iter_rows():
                _record(run, json.loads(row["shard"]), total)
        except ray_error() as error:
            cause = getattr(error, "cause", None) or error
            raise DeepExplainError(
                f"an actor of Ray must write each shard. {run.kept()}. Got: {brief(cause)}"
            ) from None

    return work


def _absolute(task: Task) -> Task:
    source = [str(path.absolute()) for path in paths_in(task.source) or []]
    single = not isinstance(task.source, list | tuple)
    explainer = str(pathlib.Path(task.explainer).absolute())
    return dataclasses.replace(task, explainer=explainer, source=source[0] if single else source)


def _record(run: Run, shard: dict[str, Any], total: int) -> None:
    """Has the run record a shard that an actor has written."""
    entry, columns = shard["entry"], shard["columns"] or run.manifest.columns
    if run.max_rejected is None and not (run.manifest.rows or entry["rows"]):
        raise InputError("of the first shard one row must be good, unless max_rejected= is given. Got none.")
    if run.manifest.columns and columns != run.manifest.columns:
        raise InputError(f"all rows must have attributions of one shape and dtype. Got {shortened(columns)}.")
    run.require_few(run.manifest.rejected + entry["rejected"], [])
    shapes = shapes_of(run.explained.specs)
    run.record(entry, columns=columns, row_shapes=shapes, finished=len(run.manifest.shards) + 1 == total)
    run.progress(run.manifest.next_row, run.source.count)


class _Actor:
    """Loads the explainer once, and explains and writes shards by their numbers."""

    def __init__(self, task: Task, folder: str, batch_size: int, shard_size: int):
        self._folder = pathlib.Path(folder)
        self._batch_size, self._shard_size = batch_size, shard_size
        self._explained: Explained = read_explainer(task.explainer, task.target, None)
        self._source: Source = open_source(task.source, self._explained.specs, task.reading)[1]
        self._sink: Sink = SINKS[task.format]()

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"shard": np.array([json.dumps(self._shard(int(number))) for number in batch["id"]])}

    def _shard(self, number: int) -> dict[str, Any]:
        shard = Shard(number, number * self._shard_size)
        batches = self._source.batches(shard.first, self._batch_size, Shapes(shapes_of(self._explained.specs)))
        with ahead(itertools.islice(batches, self._shard_size // self._batch_size), self._source.slow) as taken:
            for batch in taken:
                shard.add(*explained_rows(self._explained, batch))
        columns = columns_of(shard.parts[0]) if shard.parts else {}
        return {"entry": shard.write(self._folder, self._sink), "columns": columns}
