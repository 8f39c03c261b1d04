"""What work of more than two seconds shows: a bar on a terminal, one line for each finished step elsewhere."""

from collections.abc import Callable, Iterator
import contextlib
import sys
import threading
import time
from typing import TextIO

import tqdm

_DELAY = 2.0
_REDRAW = 1.0

Step = Callable[[str], contextlib.AbstractContextManager[None]]
"""Stands around one step, as in `with step("deeplift")`; "" where only the number of steps matters."""


@contextlib.contextmanager
def bar(total: int, doing: str, file: TextIO | None = None) -> Iterator[Step]:
    """Shows on the standard error, or on `file`, what is done, once two seconds have passed.

    Args:
        total: How many steps there are; work that is one step need not name it.
        doing: What is done.
        file: Where to show it.
    """
    stream = sys.stderr if file is None else file
    with _drawn(total, doing, stream) if stream.isatty() else _logged(doing, stream) as step:
        yield step


@contextlib.contextmanager
def _drawn(total: int, doing: str, terminal: TextIO) -> Iterator[Step]:
    """Draws a bar.

    tqdm draws when a step ends; one long step (TensorFlow compiling) would show nothing. A thread draws
    meanwhile, so that the elapsed time is seen to run.
    """
    with tqdm.tqdm(total=total, desc=doing, file=terminal, delay=_DELAY, leave=False, dynamic_ncols=True) as shown:

        @contextlib.contextmanager
        def step(name: str) -> Iterator[None]:
            shown.set_postfix_str(name, refresh=False)
            yield
            shown.update()

        with _redrawn(shown):
            yield step


@contextlib.contextmanager
def _redrawn(shown: tqdm.tqdm) -> Iterator[None]:
    done = threading.Event()

    def redraw() -> None:
        wait = _DELAY
        while not done.wait(wait):
            shown.refresh()
            wait = _REDRAW

    thread = threading.Thread(target=redraw, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        # tqdm wipes a bar out only if a step ended after the delay; this one may have been drawn before.
        shown.last_print_t = time.time()


@contextlib.contextmanager
def _logged(doing: str, stream: TextIO) -> Iterator[Step]:
    """Writes a line for each step that has a name, once it ends, and one for the whole."""
    begun = time.monotonic()
    held: list[str] = []  # until it is known that the work is long

    def tell(what: str, since: float) -> None:
        now = time.monotonic()
        held.append(f"{what} {now - since:.1f} s")
        if now - begun >= _DELAY:
            print(*held, sep="\n", file=stream, flush=True)
            held.clear()

    @contextlib.contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        if name:
            tell(f"{doing}: {name}", start)

    yield step
    tell(f"{doing}:", begun)
