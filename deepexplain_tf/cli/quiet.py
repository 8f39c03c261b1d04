"""Starts TensorFlow without its messages about the machine."""

from collections.abc import Iterator
import contextlib
import os
import sys
import tempfile
from typing import TextIO

from deepexplain_tf.cli import progress


@contextlib.contextmanager
def _native_stderr_held() -> Iterator[TextIO]:
    """Holds back what C++ code writes to the standard error, and lets it out only if the block fails.

    Yields the standard error itself, for what shall be seen meanwhile.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(saved), "w") as terminal:
        os.dup2(held.fileno(), 2)
        try:
            yield terminal
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def start_tensorflow() -> None:
    """Imports TensorFlow without its C++ log, which tells of missing graphics cards.

    A `TF_CPP_MIN_LOG_LEVEL` that the user has set stays; 0 shows all.
    """
    asked = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow heeds the variable only after its import has logged some lines.
    held = contextlib.nullcontext(sys.stderr) if asked == "0" else _native_stderr_held()
    with held as terminal, progress.bar(1, "starting TensorFlow", terminal):
        import tensorflow  # noqa: F401
