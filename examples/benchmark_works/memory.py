"""The resident memory of this process, from Linux' /proc."""

from collections.abc import Callable
import concurrent.futures
import ctypes
import multiprocessing
import pathlib
import re
from typing import Any

_STATUS, _CLEAR = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def _read(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text("ascii"), re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


class Growth:
    """The largest resident memory since the object was made, less the memory at that time; Linux only."""

    def __init__(self) -> None:
        self._known = _CLEAR.exists()
        if self._known:
            # Growth into pages that the allocator keeps would not be seen.
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim is not None:
                trim(0)
            _CLEAR.write_text("5", encoding="ascii")  # sets the largest memory to the present one
            self._before = _read("VmRSS")

    @property
    def megabytes(self) -> float | None:
        """The growth in megabytes; None on systems without this /proc."""
        return _read("VmHWM") - self._before if self._known else None


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Returns the value of a module's function, called in a fresh process."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn) as pool:
        return pool.submit(function, *arguments).result()
