"""Cases judged in processes of their own, which may die or hang."""

from collections.abc import Iterator, Sequence
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
from typing import Any

_START = 240  # seconds until a process has loaded TensorFlow and judged its first case
_CASE = 120  # seconds for a case, of which a free machine needs 2
_ROOT = pathlib.Path(__file__).parents[2]


def results(cases: Sequence[Any], folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    """Yields for each case what the worker said of it, or that it died or hung; a new process goes on behind it."""
    done = 0
    while done < len(cases):
        for found in _one_process(cases[done:], folder):
            done += 1
            yield found


def _one_process(cases: Sequence[Any], folder: pathlib.Path) -> Iterator[dict[str, Any]]:
    errors = folder / "errors.txt"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(_ROOT)}
    with (
        errors.open("w") as log,
        subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-m", "tests.fuzzing.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **quiet},
            cwd=_ROOT,
        ) as worker,
    ):
        assert worker.stdin and worker.stdout
        worker.stdin.write(json.dumps(cases))
        worker.stdin.close()
        lines: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=_read, args=(worker.stdout, lines))
        reader.start()
        try:
            for number in range(len(cases)):
                line = lines.get(timeout=_CASE if number else _START)
                if not line:
                    worker.wait()
                    yield {"status": "died", "said": f"{worker.returncode}: {errors.read_text()[:1000]}", "seconds": 0}
                    return
                yield json.loads(line)
        except queue.Empty:
            yield {"status": "hung", "said": "", "seconds": _CASE}
        finally:
            worker.kill()
            reader.join()


def _read(stream: Any, lines: queue.Queue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")
