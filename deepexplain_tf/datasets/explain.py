"""`explain_dataset`: every example of a source, explained into a folder of shards."""

from collections.abc import Iterator, Mapping
import contextlib
import os
import pathlib
from typing import Any

import tqdm

from deepexplain_tf.arguments.options import require, require_bool, require_seed, require_whole
from deepexplain_tf.datasets import manifest as manifests
from deepexplain_tf.datasets.explainers import read_explainer
from deepexplain_tf.datasets.folder import held
from deepexplain_tf.datasets.on_ray import Task, on_ray
from deepexplain_tf.datasets.packages import has_pyarrow
from deepexplain_tf.datasets.run import Finished, Progress, Run
from deepexplain_tf.datasets.sinks import SINKS
from deepexplain_tf.datasets.sources import open_source
from deepexplain_tf.errors import OptionError
from deepexplain_tf.writing.json_values import to_json, versions

_BATCH_SIZE = 128
_ENGINES = ("local", "ray")


def explain_dataset(
    explainer: Any,
    source: Any,
    sink: str | os.PathLike[str],
    *,
    engine: str = "local",
    target: Any = None,
    seed: int | None = None,
    batch_size: int = _BATCH_SIZE,
    shard_size: int | None = None,
    format: str | None = None,
    max_rejected: int | None = None,
    progress: bool | Progress = False,
    resources: Mapping[str, Any] | None = None,
    **reading: Any,
) -> Finished:
    """Explains every example of a source, and writes a folder of shards; goes on where an earlier call has stopped.

    A shard is one file, Parquet or `.npz`, and is whole or not there. Its rows have `row` (the number in the source),
    `name` where the source has names, `target` where it is the predicted class, `outputs`, `baseline_outputs`,
    `completeness_gap` and what else the method gives, and `attributions` (`attributions_NAME` of several arrays).
    `manifest.json` tells how they were made, and the shape and dtype of each column.

    A row that cannot be read, has another shape or a number that the model cannot take is set aside: it stands with its
    reason in `rejected-NUMBER.jsonl`, and changes no other row. After an interruption the same call goes on after the
    last whole shard; the files are the same bytes as without it, on the same machine. Memory does not grow with the
    number of rows: two batches are read ahead, and one shard is held.

    Args:
      explainer: what `de.explainer(method, …)` returns, without an argument that has a row for each example; or the
        path of a SavedModel that its `export` wrote.
      source: a `tf.data.Dataset` of examples or batches (labels are left out), arrays, a DataFrame, an `.npy` or `.npz`
        file, or pictures, Parquet or TFRecord files, or a folder of them. It must give the same rows in the same order
        each time.
      sink: the folder; it is made if it is missing.
      engine: `"local"`, this process; or `"ray"`, Ray Data, whose actors load the exported explainer and write shards
        into the folder, which all machines must see. It takes an export, a source of files with a known number of rows
        (not TFRecord), and a `shard_size`.
      target: as for `explain`; for an export that leaves it open, a whole number or a tuple of them.
      seed: the seed of methods that draw random numbers, by default that of the explainer, or 0. All examples have the
        same draws, so that none depends on its batch.
      batch_size: how many rows are read, and given to the explainer, at a time. Another batch size, like another
        machine, changes numbers by rounding.
      shard_size: how many source rows a shard has, a multiple of `batch_size`; None: as many as have 64 MiB of columns,
        at most 65,536.
      format: `"parquet"` or `"npz"`; None: Parquet where pyarrow is installed.
      max_rejected: the run ends with an error when more rows than this were set aside. None: any number may be, but not
        all of the first batch.
      progress: whether to show a bar; or a function that is called with the number of rows that are done, and of all
        rows (None if unknown).
      resources: for Ray, arguments of `ray.data.Dataset.map_batches`, such as `num_gpus`, and `compute`
        for the number of actors, by default one.
      **reading: options of the source: of pictures `preprocess`, `behind` and `value_range`, see `read_pictures`; of
        Parquet files `columns`, of TFRecord files `features` (name → `tf.io.FixedLenFeature`) and `compression`.

    Returns:
      What is in the folder now.

    Raises:
      TypeError: an explainer or a source that is none.
      FileNotFoundError: there is no such file or folder.
      OptionError: an argument out of range, or another one than that with which the folder was begun.
      InputError: a source that cannot be read, or too many bad rows.
      PathError: the folder cannot be written to, is full, or another run writes to it. Whole shards stay.
    """
    _check(engine, seed, batch_size, shard_size, max_rejected, progress)
    require(resources is None or engine == "ray", "resources", "left out, but for engine='ray'", resources)
    name = format or ("parquet" if has_pyarrow() else "npz")
    writer = SINKS[name]()
    explained = read_explainer(explainer, target, seed)
    kind, opened = open_source(source, explained.specs, reading)
    work = None
    if engine == "ray":
        work = on_ray(Task(explainer, target, source, dict(reading), name), shard_size, opened.count, resources)
    options = {"batch_size": batch_size, "shard_size": shard_size, "format": name}
    identity = {"kind": kind, **opened.identity()}
    new = manifests.Manifest(identity, explained.identity(), options, shard_size=shard_size)
    with held(sink) as folder:
        manifest = _continued(new, folder)
        with _shown(progress) as step:
            run = Run(explained, opened, writer, folder, manifest, batch_size, max_rejected, step)
            return run.finish(work)


def _check(engine: Any, seed: Any, batch_size: Any, shard_size: Any, max_rejected: Any, progress: Any) -> None:
    require(engine in _ENGINES, "engine", " or ".join(map(repr, _ENGINES)), engine)
    require_seed(seed)
    require_whole("batch_size", 1, batch_size)
    if shard_size is not None:
        require_whole("shard_size", 1, shard_size)
        if shard_size % batch_size:
            raise OptionError(f"shard_size must be a multiple of batch_size, {batch_size}. Got {shard_size}.")
    if max_rejected is not None:
        require_whole("max_rejected", 0, max_rejected)
    if not callable(progress):
        require_bool("progress", progress)


def _continued(new: manifests.Manifest, folder: pathlib.Path) -> manifests.Manifest:
    """Returns the manifest of the folder, if it is that of the same run, else the new one."""
    found = manifests.read(folder)
    if found is None or not found.shards:
        manifest = new  # nothing is there that another run could spoil
    else:
        found.require_same(new)
        manifest = found
    now = to_json(versions())
    before = manifest.versions[-1] if manifest.versions else {}
    if not manifest.finished and {**before, "first_shard": 0} != {**now, "first_shard": 0}:
        manifest.versions.append({**now, "first_shard": len(manifest.shards)})
    return manifest


@contextlib.contextmanager
def _shown(progress: bool | Progress) -> Iterator[Progress]:
    if callable(progress):
        yield progress
        return
    with tqdm.tqdm(desc="explain_dataset", unit=" rows", disable=not progress) as bar:

        def step(done: int, total: int | None) -> None:
            bar.total = total
            if bar.n == 0:
                bar.initial = done
            bar.update(done - bar.n)

        yield step
