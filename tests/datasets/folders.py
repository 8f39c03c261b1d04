"""Folders that `explain_dataset` has written, read back without this library."""

import json
import pathlib

import numpy as np
import pyarrow.parquet


def columns(folder):
    """Returns the columns of all shards, `[rows, ...]` by name."""
    parts = [_shard(pathlib.Path(folder, entry["file"])) for entry in manifest(folder)["shards"] if entry["file"]]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def manifest(folder):
    """Returns the values of the manifest."""
    return json.loads(pathlib.Path(folder, "manifest.json").read_text())


def rejected(folder):
    """Returns row → reason of the rows that were set aside."""
    files = [entry["rejected_file"] for entry in manifest(folder)["shards"] if entry["rejected_file"]]
    lines = [json.loads(line) for file in files for line in pathlib.Path(folder, file).read_text().splitlines()]
    return {line["row"]: line["reason"] for line in lines}


def contents(folder):
    """Returns the bytes of all files by name."""
    return {path.name: path.read_bytes() for path in sorted(pathlib.Path(folder).iterdir())}


def _shard(path):
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    table = pyarrow.parquet.read_table(path).combine_chunks()
    found = {}
    for field in table.schema:
        column = table[field.name].combine_chunks()
        shape = json.loads((field.metadata or {}).get(b"shape", b"[]"))
        values = column.flatten() if shape else column
        found[field.name] = values.to_numpy(zero_copy_only=False).reshape(len(table), *shape)
    return found
