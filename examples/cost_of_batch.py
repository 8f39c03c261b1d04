"""What does `explain_dataset` cost beside a loop over batches, and does its memory grow with the number of rows?

    python examples/cost_of_batch.py
    python examples/cost_of_batch.py --rows=10000,1000000 --method=deeplift --batch_size=512

This script explains the rows of an `.npy` file by a small dense network, in a fresh process for each number of rows. It
prints rows a second, medians of runs that take turns: of a bare loop, which calls the explainer for one batch after the
other and keeps nothing, and of `explain_dataset`, which writes all to a folder; then their ratio, and the growth and
the peak of the resident memory in another fresh process, in MB (Linux only).
"""

import pathlib
import resource
import statistics
import tempfile
import time

from absl import app, flags
import keras
import numpy as np

from benchmark_works.memory import Growth, in_fresh_process
import deepexplain_tf as dx
from deepexplain_tf.writing.table import render

_ROWS = flags.DEFINE_list("rows", ["10000", "200000"], "The numbers of rows.")
_FEATURES = flags.DEFINE_integer("features", 20, "The number of features of a row.", lower_bound=1)
_METHOD = flags.DEFINE_string("method", "integrated_gradients", "The method.")
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 128, "The number of rows at a time.", lower_bound=1)
_RUNS = flags.DEFINE_integer("runs", 5, "How often each is timed, in turn.", lower_bound=1)
_FORMAT = flags.DEFINE_string("format", None, "The format of the shards: parquet or npz.")


def _ready(file: str, method: str, batch_size: int) -> tuple[np.ndarray, dx.Explainer]:
    """Returns the mapped rows, and an explainer that has compiled its program."""
    x = np.load(file, mmap_mode="r")
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(2)]
    with dx.DeepExplain(keras.Sequential([keras.Input(x.shape[1:]), *layers])) as de:
        explainer = de.explainer(method, target=1)
    explainer(np.array(x[:batch_size]))
    return x, explainer


def timed(file: str, method: str, batch_size: int, out: str, format: str | None, runs: int) -> tuple[float, float]:
    """Returns the medians of seconds of the bare loop and of `explain_dataset`.

    Args:
      file: the `.npy` file of rows.
      method: the method.
      batch_size: the number of rows at a time.
      out: the folder to write to.
      format: the format of the shards.
      runs: how often each runs, in turn.
    """
    x, explainer = _ready(file, method, batch_size)
    bare, whole = [], []
    for run in range(runs):
        begun = time.perf_counter()
        for start in range(0, len(x), batch_size):
            explainer(np.array(x[start : start + batch_size]))
        between = time.perf_counter()
        dx.explain_dataset(explainer, file, f"{out}/{run}", batch_size=batch_size, format=format)
        bare.append(between - begun)
        whole.append(time.perf_counter() - between)
    return statistics.median(bare), statistics.median(whole)


def grown(file: str, method: str, batch_size: int, out: str, format: str | None) -> tuple[float, float]:
    """Returns the growth of the memory during `explain_dataset`, and the largest memory of the process, in MB."""
    _, explainer = _ready(file, method, batch_size)
    growth = Growth()
    dx.explain_dataset(explainer, file, out, batch_size=batch_size, format=format)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return growth.megabytes or float("nan"), largest


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for count in map(int, _ROWS.value):
            x = np.random.default_rng(0).normal(size=(count, _FEATURES.value)).astype("float32")
            np.save(folder / f"{count}.npy", x)
            given = (str(folder / f"{count}.npy"), _METHOD.value, _BATCH_SIZE.value)
            bare, whole = in_fresh_process(timed, *given, str(folder / f"timed_{count}"), _FORMAT.value, _RUNS.value)
            growth, peak = in_fresh_process(grown, *given, str(folder / f"grown_{count}"), _FORMAT.value)
            speeds = [f"{count / bare:.0f}", f"{count / whole:.0f}", f"{bare / whole:.3f}"]
            rows.append([f"{count}", *speeds, f"{growth:.0f}", f"{peak:.0f}"])
    header = ["rows", "rows/s, bare loop", "rows/s, explain_dataset", "ratio", "growth (MB)", "peak (MB)"]
    print(render(header, rows))


if __name__ == "__main__":
    app.run(main)
