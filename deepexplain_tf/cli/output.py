"""Folders of results that appear whole or not at all."""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import tempfile

from deepexplain_tf.writing.atomic import new_folder


@contextlib.contextmanager
def staged(out: str) -> Iterator[pathlib.Path]:
    """Yields an empty folder whose files move to `out` when the block ends well, each replacing an older one.

    Where the block fails, what was in `out` stays as it was, and folders made for it are removed. That
    `out` can be written to is known before any work is done.

    Raises:
        OSError: `out` is a file, or cannot be written to.
    """
    target = pathlib.Path(out)
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(f"--out must be a folder. Got the file {out}")
    # Beside the results, since a file can be moved in one step only within a file system.
    with new_folder(target), tempfile.TemporaryDirectory(prefix=".unfinished-", dir=target) as temporary:
        stage = pathlib.Path(temporary)
        yield stage
        _move(stage, target)


def require_free(out: str, overwrite: bool) -> None:
    """Raises FileExistsError where a folder holds files that nobody said may be replaced."""
    folder = pathlib.Path(out)
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(f"--out must be an empty or a new folder, or --overwrite be given. Got {out}")


def _move(stage: pathlib.Path, target: pathlib.Path) -> None:
    names = sorted(file.name for file in stage.iterdir())
    blocked = [name for name in names if (target / name).is_dir()]
    if blocked:
        raise IsADirectoryError(f"{target / blocked[0]} is a folder where a file would be written")
    for name in names:
        os.replace(stage / name, target / name)
