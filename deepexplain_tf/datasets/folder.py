"""The folder of a run: made, held by one process at a time, and freed of what a killed run left."""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import pathlib
import re

from deepexplain_tf.datasets.manifest import NAME
from deepexplain_tf.errors import PathError

_UNFINISHED = re.compile(r"\.[0-9a-f]{16}\.tmp")  # how `atomic_file` calls what it has not finished


@contextlib.contextmanager
def held(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields the folder, made if it is missing, while no other process may write there.

    Raises:
      PathError: it cannot be made, holds something else, or another run writes there.
    """
    folder = pathlib.Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = os.listdir(folder)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise PathError(f"a sink must be a folder that can be written to. Got {str(path)!r}: {error}.") from None
    try:
        _lock(descriptor, path)
        unfinished = [name for name in names if _UNFINISHED.fullmatch(name)]
        if len(names) > len(unfinished) and NAME not in names:
            raise PathError(f"a sink must be a new or empty folder, or one with a {NAME}. Got {str(path)!r}.")
        for name in unfinished:
            (folder / name).unlink(missing_ok=True)
        yield folder
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: str | os.PathLike[str]) -> None:
    """Locks a folder until its descriptor is closed or the process ends, however that ends; no file is left."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise PathError(f"one run writes to a folder at a time. Got {str(path)!r}, which another one holds.") from None
    except OSError:
        return  # a file system without locks: two runs there write the same shards, each of them whole
