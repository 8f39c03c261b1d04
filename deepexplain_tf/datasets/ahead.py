"""Reading ahead: the next batches are read while one is explained."""

from collections.abc import Generator, Iterable, Iterator
import contextlib
import queue
import threading
from typing import TypeVar

T = TypeVar("T")

_BATCHES = 2  # read ahead; more would need memory, and one is enough to keep both sides at work
_WAIT = 0.1  # seconds after which a reader looks whether anybody still wants its batches


@contextlib.contextmanager
def ahead(items: Iterable[T], slow: bool = True) -> Iterator[Iterator[T]]:
    """Yields an iterator over items that a thread reads, two more than were taken; the block's end ends the thread.

    An error of the thread is raised where its item would have come. What is not `slow` is read without a thread.
    """
    if not slow:
        yield iter(items)
        return
    waiting: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(_BATCHES)
    left = threading.Event()

    def put(item: T | None, error: BaseException | None) -> bool:
        while not left.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put((item, error), timeout=_WAIT)
                return True
        return False

    def read() -> None:
        try:
            for item in items:
                if not put(item, None):
                    return
        except BaseException as error:
            put(None, error)
        else:
            put(None, StopIteration())
        finally:
            if isinstance(items, Generator):
                items.close()  # and with it the files that it reads

    def taken() -> Iterator[T]:
        while True:
            item, error = waiting.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            # Only with an error is there no item.
            yield item  # type: ignore[misc]

    reader = threading.Thread(target=read, daemon=True, name="reading ahead")
    reader.start()
    try:
        yield taken()
    finally:
        left.set()
        reader.join()
