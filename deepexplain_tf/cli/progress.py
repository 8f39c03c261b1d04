"""Progress bars for what takes more than two seconds."""

from collections.abc import Iterator
import contextlib
import threading
import time
from typing import TextIO

import tqdm

_DELAY = 2.0
_REDRAW = 1.0


@contextlib.contextmanager
def bar(total: int, doing: str, file: TextIO | None = None) -> Iterator[tqdm.tqdm]:
    """Shows a bar of `total` steps on the standard error, or on `file`, once two seconds have passed.

    tqdm draws when a step ends; one long step (TensorFlow compiling) would show nothing. A thread draws
    meanwhile, so that the elapsed time is seen to run.
    """
    with tqdm.tqdm(total=total, desc=doing, file=file, delay=_DELAY, leave=False, dynamic_ncols=True) as shown:
        done = threading.Event()

        def redraw() -> None:
            wait = _DELAY
            while not done.wait(wait):
                shown.refresh()
                wait = _REDRAW

        thread = threading.Thread(target=redraw, daemon=True)
        thread.start()
        try:
            yield shown
        finally:
            done.set()
            thread.join()
            # tqdm wipes a bar out only if a step ended after the delay; this one may have been drawn before.
            shown.last_print_t = time.time()
