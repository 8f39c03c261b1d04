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
    """Opens a temporary file beside `path`, which takes its place when the block ends without an error."""
    final = pathlib.Path(os.path.realpath(path))
    temporary = final.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        # Not `tempfile`, whose files only their owner can read.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str], *, overwrite: bool, marks: Collection[str]) -> Iterator[pathlib.Path]:
    """Makes a temporary folder beside `path`, which takes its place when the block ends without an error.

    Where the block fails, everything is as it was: an older folder stays, and parents made for it are removed.

    Args:
      path: the folder to write.
      overwrite: whether it may take the place of an older one.
      marks: files of which an older one must hold one, so that nothing else is ever replaced.

    Raises:
      PathError: there is something at `path`, or it cannot be written to.
    """
    final = pathlib.Path(os.path.realpath(path))
    _require_free(final, overwrite, marks)
    temporary, old = (final.with_name(f".{secrets.token_hex(8)}.tmp") for _ in range(2))
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(new_folder(final.parent))
            temporary.mkdir()
        except OSError as error:
            raise PathError(f"a path must be one that can be written to. Got {str(path)!r}: {error}.") from error
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
    """Makes a folder and its parents, where they are missing; removes those again where the block fails.

    Raises:
      OSError: it cannot be made.
    """
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for each in made:
            with contextlib.suppress(OSError):
                each.rmdir()
        raise


def _require_free(final: pathlib.Path, overwrite: bool, marks: Collection[str]) -> None:
    if not os.path.lexists(final):
        return
    if not overwrite:
        raise PathError(f"a path must be free, or overwrite=True be given. Got {str(final)!r}, which exists.")
    if not any((final / mark).is_file() for mark in marks):
        raise PathError(f"overwrite=True replaces an exported explainer. Got {str(final)!r}, which holds none.")
