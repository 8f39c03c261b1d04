"""Does a long job lose or double rows when it is killed? Kills `deepexplain batch` at random, goes on, compares bytes.

    python examples/killed_batch.py
    python examples/killed_batch.py --engine=ray --actors=2 --kills=1

This script explains the rows of an `.npy` file by an exported explainer: once undisturbed, and once with SIGKILL at
random moments, each time followed by the same command. With `--engine=ray` it kills one of Ray's actors instead, while
the command goes on. It prints what was killed where, and ends with an error unless both folders hold the same files,
byte by byte, with each row of the source once. Linux only.
"""

from collections.abc import Callable, Iterator
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

from absl import app, flags
import keras
import numpy as np

import deepexplain_tf as dx

_ROWS = flags.DEFINE_integer("rows", 200_000, "The number of rows.", lower_bound=1)
_FEATURES = flags.DEFINE_integer("features", 20, "The number of features of a row.", lower_bound=1)
_KILLS = flags.DEFINE_integer("kills", 5, "How often something is killed.", lower_bound=1)
_SHARD_SIZE = flags.DEFINE_integer("shard_size", 2048, "The number of rows of a shard.", lower_bound=1)
_ENGINE = flags.DEFINE_enum("engine", "local", ["local", "ray"], "What explains: one process, or actors of Ray.")
_ACTORS = flags.DEFINE_integer("actors", 2, "The number of actors of Ray.", lower_bound=1)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the moments.", lower_bound=0)
_ACTOR = b"ray::MapWorker"  # how the process of an actor of Ray Data begins to call itself


def _prepare(folder: pathlib.Path) -> None:
    """Writes the explainer and its rows."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(2)]
    with dx.DeepExplain(keras.Sequential([keras.Input((_FEATURES.value,)), *layers])) as de:
        de.explainer("integrated_gradients", target=1, baseline=None).export(folder / "explainer")
    x = np.random.default_rng(0).normal(size=(_ROWS.value, _FEATURES.value)).astype("float32")
    np.save(folder / "x.npy", x)


def _start(folder: pathlib.Path, out: str, *more: str) -> subprocess.Popen[bytes]:
    given = [f"--explainer={folder / 'explainer'}", f"--input={folder / 'x.npy'}", f"--out={folder / out}"]
    command = [sys.executable, "-m", "deepexplain_tf", "batch", *given, f"--shard_size={_SHARD_SIZE.value}", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _shards(folder: pathlib.Path) -> list[dict[str, Any]]:
    file = folder / "manifest.json"  # replaced in one step, so that it can be read at any time
    return json.loads(file.read_text("utf-8"))["shards"] if file.exists() else []


def _end(process: subprocess.Popen[bytes]) -> None:
    _, error = process.communicate()
    if process.returncode:
        raise SystemExit(error.decode())


def _at_random(folder: pathlib.Path, chance: random.Random) -> Iterator[int]:
    """Yields the numbers of shards at which something is killed, more and more of all that there will be."""
    total = -(-_ROWS.value // _SHARD_SIZE.value)
    for left in range(_KILLS.value, 0, -1):
        done = len(_shards(folder))
        yield done + chance.randint(1, max((total - done) // (left + 1), 1))


def _wait(process: subprocess.Popen[bytes], folder: pathlib.Path, shards: int, chance: random.Random) -> None:
    while len(_shards(folder)) < shards:
        if process.poll() is not None:
            raise SystemExit(f"the command ended before {shards} shards: {(process.stderr or sys.stdin).read()!r}")
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.05))


def _killed(folder: pathlib.Path, chance: random.Random) -> None:
    """Runs the command until it is through, killing it now and then."""
    for shards in _at_random(folder / "killed", chance):
        process = _start(folder, "killed")
        _wait(process, folder / "killed", shards, chance)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        print(f"killed the command after {len(_shards(folder / 'killed'))} shards")
    _end(_start(folder, "killed"))


def _killed_on_ray(folder: pathlib.Path, chance: random.Random) -> None:
    """Runs the command once, killing one of its actors now and then."""
    process = _start(folder, "killed", "--engine=ray", f"--actors={_ACTORS.value}")
    for shards in _at_random(folder / "killed", chance):
        _wait(process, folder / "killed", shards, chance)
        actor = chance.choice(_processes(_ACTOR))
        os.kill(actor, signal.SIGKILL)
        print(f"killed an actor after {len(_shards(folder / 'killed'))} shards")
    _end(process)


def _processes(name: bytes) -> list[int]:
    """Returns the numbers of the processes whose command line begins so."""
    files = pathlib.Path("/proc").glob("[0-9]*/cmdline")
    found = [int(file.parent.name) for file in files if file.read_bytes().startswith(name)]
    if not found:
        raise SystemExit(f"no process calls itself {name.decode()}.")
    return sorted(found)


def _compare(whole: pathlib.Path, other: pathlib.Path) -> str:
    """Returns one line about two folders; ends the script where they differ or rows are not there once."""
    names, others = (sorted(path.name for path in folder.iterdir()) for folder in (whole, other))
    different = [n for n in names if n in others and (whole / n).read_bytes() != (other / n).read_bytes()]
    if names != others or different:
        raise SystemExit(f"the folders differ: {sorted({*names} ^ {*others})}, and in their bytes {different}")
    rows = [entry["rows"] for entry in _shards(other)]
    if sum(rows) != _ROWS.value:
        raise SystemExit(f"{sum(rows)} rows of {_ROWS.value}")
    return f"{len(names)} files with the same bytes, {sum(rows)} rows, none missing or doubled"


def main(argv: list[str]) -> None:
    """Prints what was killed, and how the folders compare."""
    del argv
    run: Callable[[pathlib.Path, random.Random], None] = _killed if _ENGINE.value == "local" else _killed_on_ray
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        _prepare(folder)
        _end(_start(folder, "whole"))
        run(folder, random.Random(_SEED.value))
        print(_compare(folder / "whole", folder / "killed"))


if __name__ == "__main__":
    app.run(main)
