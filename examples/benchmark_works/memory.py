"""The memory of this process, as the system counts it."""

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
    """How far the largest resident memory since this was made is above that of then; Linux only."""

    def __init__(self) -> None:
        self._known = _CLEAR.exists()
        if self._known:
            # Pages that the allocator keeps for later would hide what is taken from them.
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
            if trim is not None:
                trim(0)
            _CLEAR.write_text("5", encoding="ascii")  # the largest is what there is now
            self._before = _read("VmRSS")

    @property
    def megabytes(self) -> float | None:
        """The growth, None where the system does not tell."""
        return _read("VmHWM") - self._before if self._known else None


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Returns what a function of a module returns in a process that has done nothing before."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn) as pool:
        return pool.submit(function, *arguments).result()
