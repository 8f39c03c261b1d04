"""Files and folders that appear whole or not at all."""

from collections.abc import Collection, Iterator
import contextlib
import os
import pathlib
import secrets
import shutil
from typing import BinaryIO

from deepexplain_tf.errors import PathError


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a temporary file beside `path` and renames it to `path` when the block ends without an error.

    Raises:
      OSError: the file cannot be written.
    """
    final = pathlib.Path(os.path.realpath(path))
    temporary = final.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        # `tempfile` would make a file that only its owner can read.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool, marks: Collection[str]) -> Iterator[pathlib.Path]:
    """Makes a temporary folder beside `path` and renames it to `path` when the block ends without an error.

    A failure leaves everything as it was: an older folder stays, and new parent folders are removed.

    Args:
      path: the folder to write.
      overwrite: whether the new folder may replace an older one.
      marks: names of files; an older folder is replaced only if it holds one of them.

    Raises:
      PathError: `path` exists and may not be replaced, or cannot be written to.
    """
    final = pathlib.Path(os.path.realpath(path))
    _require_free(final, overwrite, marks)
    temporary, old = (final.with_name(f".{secrets.token_hex(8)}.tmp") for _ in range(2))
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(new_folder(final.parent))
            temporary.mkdir()
        except OSError as error:
            raise PathError(f"a path must be one that can be written to. Got {str(path)!r}: {error}.") from None
        stack.callback(shutil.rmtree, temporary, ignore_errors=True)
        yield temporary
        if final.exists():
            os.rename(final, old)
        try:
            os.rename(temporary, final)
        except BaseException:
            if old.exists():
                os.rename(old, final)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def new_folder(folder: pathlib.Path) -> Iterator[None]:
    """Makes a folder and its missing parents; removes the new ones again if the block fails.

    Raises:
      OSError: the folder cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _require_free(final: pathlib.Path, overwrite: bool, marks: Collection[str]) -> None:
    if not os.path.lexists(final):
        return
    if not overwrite:
        raise PathError(f"a path must be free, unless overwrite=True is given. Got {str(final)!r}, which exists.")
    if not any((final / mark).is_file() for mark in marks):
        raise PathError(f"overwrite=True replaces an exported explainer. Got {str(final)!r}, which holds none.")
